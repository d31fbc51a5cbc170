package engine

// The classic builder does not tell which images it took from outside, so its
// Dockerfile is read for them, by BuildKit's own parser.

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// baseOfDockerfile lists the images from outside that the Dockerfile names, in
// order and each once.
func baseOfDockerfile(request BuildRequest) ([]string, error) {
	content, err := readBounded(request.Dockerfile)
	if err != nil {
		return nil, fmt.Errorf("read the Dockerfile: %w", err)
	}
	names, err := externalImages(content, request.Args)
	if err != nil {
		return nil, fmt.Errorf("read the Dockerfile: %w", err)
	}
	return names, nil
}

func externalImages(dockerfile []byte, args map[string]string) ([]string, error) {
	parsed, err := parser.Parse(bytes.NewReader(dockerfile))
	if err != nil {
		return nil, err
	}
	stages, globals, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, err
	}
	lex := shell.NewLex(parsed.EscapeToken)
	env, err := globalArgs(lex, globals, args)
	if err != nil {
		return nil, err
	}
	var (
		names []string
		known = map[string]bool{"scratch": true}
	)
	for i, stage := range stages {
		name, _, err := lex.ProcessWord(stage.BaseName, env)
		if err != nil {
			return nil, err
		}
		if !known[strings.ToLower(name)] {
			names = appendNew(names, name)
		}
		names = appendCopied(names, stage, known)
		known[strconv.Itoa(i)] = true
		if stage.Name != "" {
			known[strings.ToLower(stage.Name)] = true
		}
	}
	return names, nil
}

// globalArgs evaluates the ARG instructions before the first FROM.
func globalArgs(lex *shell.Lex, globals []instructions.ArgCommand, args map[string]string) (shell.EnvGetter, error) {
	var env []string
	for _, command := range globals {
		for _, arg := range command.Args {
			value, given := args[arg.Key]
			if !given && arg.Value != nil {
				expanded, _, err := lex.ProcessWord(*arg.Value, shell.EnvsFromSlice(env))
				if err != nil {
					return nil, err
				}
				value = expanded
			}
			env = append(env, arg.Key+"="+value)
		}
	}
	return shell.EnvsFromSlice(env), nil
}

// appendCopied adds the images that COPY --from takes files of.
func appendCopied(names []string, stage instructions.Stage, known map[string]bool) []string {
	for _, command := range stage.Commands {
		if from, ok := command.(*instructions.CopyCommand); ok && from.From != "" && !known[strings.ToLower(from.From)] {
			names = appendNew(names, from.From)
		}
	}
	return names
}
