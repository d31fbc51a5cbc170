package dockerfile

// Rewriting: a token for a token, in the bytes of the instruction that holds it.

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/distribution/reference"
)

// Pin returns the Dockerfile with every image from outside replaced by the reference
// that pinned gives for its name, as Canonical writes it. Frontends and triggers
// are not rewritten: they must name that reference already. Names of stages that
// come out of arguments are written out. Everything else stays to the byte.
//
// What it returns was parsed again and holds no image from outside but those of
// pinned.
func (f *File) Pin(pinned map[string]string) ([]byte, error) {
	text, err := f.rewrite(pinned)
	if err != nil {
		return nil, err
	}
	if err := f.checkPinned(text, pinned); err != nil {
		return nil, err
	}
	return text, nil
}

// Canonical returns the full name of an image and its digest, without a tag, as it
// is written in a pinned Dockerfile: "docker.io/library/alpine@sha256:…". It is
// false for a name without a digest.
func Canonical(name string) (string, bool) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "", false
	}
	canonical, ok := named.(reference.Canonical)
	if !ok {
		return "", false
	}
	return reference.TrimNamed(named).String() + "@" + canonical.Digest().String(), true
}

func (f *File) rewrite(pinned map[string]string) ([]byte, error) {
	starts := lineStarts(f.text)
	var text []byte
	done := 0 // bytes of f.text that are in text
	for _, p := range f.refs {
		replacement, err := p.replacement(pinned)
		if err != nil {
			return nil, err
		}
		if replacement == p.token {
			continue
		}
		start, end := starts[p.node.StartLine-1], starts[p.node.EndLine]
		at := findToken(f.text[:end], max(done, start+keyword(f.text[start:end])), p.token)
		if at < 0 {
			return nil, fmt.Errorf("line %d: the image in %s can't be pinned: write it in one piece, without quotes, escapes or a line break in it", p.Line, p.How)
		}
		text = append(append(text, f.text[done:at]...), replacement...)
		done = at + len(p.token)
	}
	return append(text, f.text[done:]...), nil
}

// replacement returns the token with the pinned reference.
func (p imageRef) replacement(pinned map[string]string) (string, error) {
	if !p.external {
		return p.with(p.Name), nil
	}
	reference := pinned[p.Name]
	if canonical, ok := Canonical(reference); !ok || canonical != reference {
		return "", fmt.Errorf("%s is not pinned", p.Image)
	}
	if p.node != nil {
		return p.with(reference), nil
	}
	if canonical, _ := Canonical(p.Name); canonical != reference {
		return "", fmt.Errorf("%s must be named by its digest there: %s", p.Image, reference)
	}
	return p.token, nil
}

// lineStarts returns the offset of each line, and as the last the end of the text.
func lineStarts(text []byte) []int {
	starts := []int{0}
	for line := range bytes.Lines(text) {
		starts = append(starts, starts[len(starts)-1]+len(line))
	}
	return starts
}

const space = " \t\r\n"

// keyword returns the length of an instruction's keyword with the space before it.
func keyword(text []byte) int {
	before := len(text) - len(bytes.TrimLeft(text, space))
	word := bytes.IndexAny(text[before:], space)
	if word < 0 {
		return len(text)
	}
	return before + word
}

// findToken finds token between white space, in text from an offset on, and in
// no comment.
func findToken(text []byte, from int, token string) int {
	for from < len(text) {
		at := bytes.Index(text[from:], []byte(token))
		if at < 0 {
			return -1
		}
		at += from
		end := at + len(token)
		alone := strings.IndexByte(space, text[at-1]) >= 0 && (end == len(text) || strings.IndexByte(space, text[end]) >= 0)
		line := bytes.TrimLeft(text[bytes.LastIndexByte(text[:at], '\n')+1:], space)
		if alone && line[0] != '#' {
			return at
		}
		from = at + 1
	}
	return -1
}
