package dockerfile

// Text that parsers of several versions read differently is refused before any of
// them reads it.

import (
	"bytes"
	"fmt"
	"regexp"
	"unicode"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// checkText refuses characters that end lines for one parser and not for
// another, and escape directives: one parser obeys them everywhere, another only
// at the ends of lines.
func checkText(text []byte) error {
	if !utf8.Valid(text) {
		return fmt.Errorf("it is not UTF-8 text")
	}
	line := 1
	for i, c := range text {
		switch {
		case c == '\n':
			line++
		case c == '\t', c == '\r' && i+1 < len(text) && text[i+1] == '\n':
		case c < ' ' || c == 0x7f:
			return fmt.Errorf("line %d has the control character 0x%02x, which builders read differently: remove it", line, c)
		}
	}
	return checkEscape(text)
}

var (
	escapeLine = regexp.MustCompile(`(?i)^(?:#|//)[\s\p{Z}\x{85}]*escape\s*=`)
	syntaxLine = regexp.MustCompile(`(?i)^(?:#|//)[\s\p{Z}\x{85}]*syntax\s*=\s*(.+?)\s*$`)
)

// checkEscape refuses every escape directive. BuildKit of Docker Engine 20.10
// cuts the flags of an instruction at backslashes whatever the directive is, and
// today's BuildKit at the character of the directive: the two see different flags.
func checkEscape(text []byte) error {
	for number, line := range head(text) {
		if escapeLine.Match(line) {
			return fmt.Errorf("line %d is an escape directive, which builders of different versions obey differently: remove it, and end continued lines with a backslash", number+1)
		}
	}
	return nil
}

// head is the lines before the first instruction, without the white space
// around them: the only ones that can be directives, in any version.
func head(text []byte) [][]byte {
	var lines [][]byte
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	for line := range bytes.Lines(text) {
		line = bytes.TrimFunc(line, unicode.IsSpace)
		if len(line) > 0 && line[0] != '#' && !bytes.HasPrefix(line, []byte("//")) {
			break
		}
		lines = append(lines, line)
	}
	return lines
}

// frontendLines finds every line that some version takes for a syntax line, and
// the other forms that the latest takes.
func frontendLines(text []byte) []imageRef {
	var refs []imageRef
	for number, line := range head(text) {
		if found := syntaxLine.FindSubmatch(line); found != nil {
			frontend, _, _ := bytes.Cut(found[1], []byte(" "))
			refs = append(refs, fixed(string(frontend), BySyntax, number+1))
		}
	}
	if frontend, _, ranges, ok := parser.DetectSyntax(text); ok && len(refs) == 0 {
		refs = append(refs, fixed(frontend, BySyntax, ranges[0].Start.Line))
	}
	return refs
}
