package dockerfile

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// trigger returns the names of the images in an ONBUILD trigger, as it is written in
// an image's configuration. A name that might be that of a stage of the
// Dockerfile counts as an image's.
func trigger(text string) ([]string, error) {
	if err := checkText([]byte(text)); err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read the trigger: %w", err)
	}
	if len(parsed.AST.Children) != 1 {
		return nil, errors.New("it is not one instruction")
	}
	node := parsed.AST.Children[0]
	command, err := instructions.ParseInstructionWithLinter(node, newLinter())
	if err != nil {
		return nil, fmt.Errorf("read the trigger: %w", err)
	}
	if _, ok := command.(instructions.Command); !ok {
		return nil, fmt.Errorf("read the trigger: %s is no instruction of a trigger", node.Value)
	}
	if len(node.Heredocs) > 0 {
		return nil, errors.New("it has a here-document, which not every builder reads as one")
	}
	if err := checkAmbiguous(node); err != nil {
		return nil, err
	}
	r, err := newReader(parsed.EscapeToken, Environment{}, "", nil)
	if err != nil {
		return nil, err
	}
	r.count = math.MaxInt
	if err := r.instruction(node); err != nil {
		return nil, err
	}
	var names []string
	for _, p := range r.refs {
		names = append(names, p.Name)
	}
	return names, nil
}
