// Command oldparser parses Dockerfiles with the parser of Docker Engine 20.10, the
// oldest supported engine. A test compares its results with those of the server's
// parser. It is a separate module, because a module can have only one version of
// BuildKit.
//
// It reads texts from standard input, each as a line with a JSON string, and writes a
// line with a JSON object for each.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// result is the result of parsing one text.
type result struct {
	Error        string        `json:"error,omitempty"`
	Instructions []instruction `json:"instructions,omitempty"`
}

type instruction struct {
	Name  string   `json:"name"`
	Flags []string `json:"flags"`
	Words []string `json:"words"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "oldparser:", err)
		os.Exit(1)
	}
}

func run() error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var text string
		if err := json.Unmarshal(in.Bytes(), &text); err != nil {
			return err
		}
		if err := out.Encode(parse(text)); err != nil {
			return err
		}
	}
	return in.Err()
}

func parse(text string) (r result) {
	defer func() {
		if panicked := recover(); panicked != nil {
			r = result{Error: fmt.Sprint("panic: ", panicked)}
		}
	}()
	parsed, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return result{Error: err.Error()}
	}
	for _, node := range parsed.AST.Children {
		r.Instructions = append(r.Instructions, flatten(node)...)
	}
	return r
}

// flatten returns an instruction, followed by those within ONBUILD.
func flatten(node *parser.Node) []instruction {
	one := instruction{Name: strings.ToLower(node.Value), Flags: node.Flags}
	var within []instruction
	for word := node.Next; word != nil; word = word.Next {
		one.Words = append(one.Words, word.Value)
		for _, child := range word.Children {
			within = append(within, flatten(child)...)
		}
	}
	return append([]instruction{one}, within...)
}
