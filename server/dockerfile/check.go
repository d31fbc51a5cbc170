package dockerfile

// The check of the rewritten text, which does not trust the rewriting: parsed again,
// the text must name the pinned images only, and be the original otherwise.

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func (f *File) checkPinned(text []byte, pinned map[string]string) error {
	again, err := Parse(text, f.env)
	if err != nil {
		return fmt.Errorf("read the pinned Dockerfile: %w", err)
	}
	allowed := slices.Collect(maps.Values(pinned))
	if err := onlyPinned(again.refs, allowed); err != nil {
		return err
	}
	if !f.sameBut(again, pinned) {
		return errors.New("an image can't be pinned without changing more: write each FROM, --from and --mount once, in one piece, without comments between the lines of its instruction")
	}
	return checkWithoutHeredocs(text, f.env, allowed)
}

// onlyPinned returns an error for a reference that is not an allowed digest, or that
// depends on an argument.
func onlyPinned(refs []imageRef, allowed []string) error {
	for _, p := range refs {
		if !p.literal {
			return fmt.Errorf("%s still depends on an argument", p.Image)
		}
		if canonical, _ := Canonical(p.Name); p.external && !slices.Contains(allowed, canonical) {
			return fmt.Errorf("%s is not pinned", p.Image)
		}
	}
	return nil
}

// checkWithoutHeredocs reads the text as builders do that know no
// here-documents, such as Docker Engine 20.10's own: their lines are
// instructions there. Where they are none, such a builder builds nothing.
func checkWithoutHeredocs(text []byte, env Environment, allowed []string) error {
	if !bytes.Contains(text, []byte("<<")) { // checkHeredocs refuses those that are split over lines
		return nil
	}
	parsed, err := parser.Parse(bytes.NewReader(bytes.ReplaceAll(text, []byte("<<"), []byte(">>"))))
	if err != nil {
		return nil // no builder reads what its parser refuses
	}
	r, err := newReader(parsed.EscapeToken, env, "", nil)
	if err != nil {
		return err
	}
	for _, node := range parsed.AST.Children {
		if _, known := command.Commands[strings.ToLower(node.Value)]; !known {
			return nil
		}
		if _, err := fromWords(node); err != nil && strings.EqualFold(node.Value, command.From) {
			return nil
		}
	}
	for _, node := range parsed.AST.Children {
		if err := r.instruction(node); err != nil {
			return fmt.Errorf("line %d, in a here-document that not every builder knows: %w", node.StartLine, err)
		}
	}
	if err := onlyPinned(r.refs, allowed); err != nil {
		return fmt.Errorf("in a here-document that not every builder knows: %w", err)
	}
	return nil
}

// sameBut reports whether again has the content of f, with each image replaced by
// the one that it is pinned to.
func (f *File) sameBut(again *File, pinned map[string]string) bool {
	if len(f.refs) != len(again.refs) {
		return false
	}
	for i, p := range f.refs {
		want, found := p.Image, again.refs[i].Image
		if p.node != nil && p.external {
			want.Name = pinned[p.Name]
		}
		if found != want {
			return false
		}
	}
	return f.blank() == again.blank()
}

// blank returns the whole text of the instructions, with a blank for each image.
func (f *File) blank() string {
	var all strings.Builder
	for _, node := range f.root.Children {
		f.describe(&all, node)
	}
	return all.String()
}

func (f *File) describe(to *strings.Builder, node *parser.Node) {
	flags, words := slices.Clone(node.Flags), []string{}
	for word := node.Next; word != nil; word = word.Next {
		words = append(words, word.Value)
	}
	for _, p := range f.refs {
		switch i := slices.Index(flags, p.token); {
		case p.node != node:
		case p.How == ByFrom:
			words[0] = ""
		case i >= 0:
			flags[i] = p.with("")
		}
	}
	fmt.Fprintf(to, "%d-%d %q %q %q %v %+v\n", node.StartLine, node.EndLine, node.Value, flags, words, node.Attributes, node.Heredocs)
	for next := node.Next; next != nil; next = next.Next {
		for _, child := range next.Children {
			f.describe(to, child)
		}
	}
}
