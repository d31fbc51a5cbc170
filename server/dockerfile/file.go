package dockerfile

// A Dockerfile that is to be pinned: read strictly, because what is not
// understood here could be understood elsewhere.

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Environment holds the arguments and the platform that a Dockerfile is parsed
// with.
type Environment struct {
	Args map[string]string // build arguments
	// OS and Arch are the engine's platform as Go spells it ("linux", "s390x"),
	// or empty for the classic builder, which predefines no arguments for it.
	OS, Arch string
}

// How an image is named.
const (
	ByFrom    = "FROM"
	ByCopy    = "COPY --from"
	ByMount   = "RUN --mount"
	ByTrigger = "ONBUILD"
	BySyntax  = "# syntax"        // the image of a frontend
	ByArg     = "BUILDKIT_SYNTAX" // the image of a frontend, by a build argument
)

// Image is one reference of a Dockerfile to an image from outside.
type Image struct {
	// Name is the image reference, arguments expanded: "alpine:3.20".
	Name string
	// How is one of the By constants; empty if it is not known.
	How string
	// Line is that of the instruction, from 1; 0 for ByArg.
	Line int
	// Platform is that of FROM --platform, arguments put in; else empty.
	Platform string
}

// String returns where the image is named.
func (i Image) String() string {
	switch {
	case i.How == "":
		return strconv.Quote(i.Name)
	case i.Line == 0:
		return fmt.Sprintf("%q (%s)", i.Name, i.How)
	}
	return fmt.Sprintf("%q (%s, line %d)", i.Name, i.How, i.Line)
}

// File is a Dockerfile that was read.
type File struct {
	text []byte
	env  Environment
	root *parser.Node
	refs []imageRef
}

// Parse reads a Dockerfile that is to be pinned. What it can't vouch for is an
// error that names what to write instead.
func Parse(text []byte, env Environment) (*File, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	frontends, err := frontendArgs(env.Args)
	if err != nil {
		return nil, err
	}
	frontends = append(frontends, frontendLines(text)...)
	root, refs, err := read(text, env)
	if err != nil {
		return nil, err
	}
	names := true // ARG before the first FROM is for the names of images
	for _, node := range root.Children {
		err := checkAmbiguous(node)
		from := strings.EqualFold(node.Value, command.From)
		if names = names && !from; err == nil && (names || from) {
			err = checkSubstitution(node.Original)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", node.StartLine, err)
		}
	}
	return &File{text: text, env: env, root: root, refs: append(frontends, refs...)}, nil
}

// Images returns every reference to an image from outside, in all stages,
// also those that are not built; frontends first.
func (f *File) Images() []Image {
	var images []Image
	for _, p := range f.refs {
		if p.external {
			images = append(images, p.Image)
		}
	}
	return images
}

// External lists the names of the images from outside that a build of the
// Dockerfile takes, in order and each once. It is no check: it reads as lightly
// as the builder does, and leaves out frontends and triggers.
func External(text []byte, env Environment) ([]string, error) {
	_, refs, err := read(text, env)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range refs {
		if p.external && p.How != ByTrigger && !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names, nil
}

// read parses a Dockerfile and goes over its instructions.
func read(text []byte, env Environment) (*parser.Node, []imageRef, error) {
	parsed, stages, globals, err := parse(text)
	if err != nil {
		return nil, nil, err
	}
	r, err := newReader(parsed.EscapeToken, env, stages[len(stages)-1].Name, globals)
	if err != nil {
		return nil, nil, err
	}
	for _, node := range parsed.AST.Children {
		if err := r.instruction(node); err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", node.StartLine, err)
		}
	}
	return parsed.AST, r.refs, nil
}

// parse parses a Dockerfile with BuildKit's parser. Its errors name the line.
func parse(text []byte) (*parser.Result, []instructions.Stage, []instructions.ArgCommand, error) {
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, nil, nil, located(err)
	}
	stages, globals, err := instructions.Parse(parsed.AST, newLinter())
	if err != nil {
		return nil, nil, nil, located(err)
	}
	if len(stages) == 0 {
		return nil, nil, nil, errors.New("there is no FROM in it")
	}
	return parsed, stages, globals, nil
}

// newLinter returns a linter without rules. Without any linter, the parser
// dereferences nil at a "# check=" comment.
func newLinter() *linter.Linter {
	return linter.New(&linter.Config{SkipAll: true})
}

// located returns the error of a parser with the line in front of it, unless its
// text names one.
func located(err error) error {
	var at *parser.LocationError
	if !errors.As(err, &at) || len(at.Locations) == 0 || len(at.Locations[0]) == 0 || strings.Contains(err.Error(), "line ") {
		return err
	}
	return fmt.Errorf("line %d: %w", max(1, at.Locations[0][0].Start.Line), err)
}

// steering begins the build arguments that BuildKit takes for itself. Some name
// images (a frontend, a scanner), some bring in images of its own.
const steering = "BUILDKIT_"

const syntaxArg = "BUILDKIT_SYNTAX"

// frontendArgs finds the frontend that an argument names.
func frontendArgs(args map[string]string) ([]imageRef, error) {
	var refs []imageRef
	for _, name := range slices.Sorted(maps.Keys(args)) {
		switch {
		case name == syntaxArg:
			frontend, _, _ := strings.Cut(args[name], " ")
			refs = append(refs, fixed(frontend, ByArg, 0))
		case strings.HasPrefix(strings.ToUpper(name), steering):
			return nil, fmt.Errorf("the build argument %s steers the builder, and can make it use images that nobody verified: take it out of ARG", name)
		}
	}
	return refs, nil
}
