package dockerfile

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Trigger lists the names of the images in an ONBUILD trigger, as it stands in
// an image's configuration. A name that might be that of a stage of the
// Dockerfile counts as an image's.
func Trigger(text string) ([]string, error) {
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
	if _, err := instructions.ParseCommand(node); err != nil {
		return nil, fmt.Errorf("read the trigger: %w", err)
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
	for _, p := range r.places {
		names = append(names, p.Name)
	}
	return names, nil
}
