package dockerfile

// The check of every Dockerfile before a builder gets it, verified base images or
// not: some texts that are no Dockerfile end a builder, and with it everybody's
// builds.

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
)

// CheckSyntax returns why no builder takes the Dockerfile, with the line, or nil.
// args are the build arguments. Here-documents may be written as for builders that
// know them or not. A Dockerfile that names the frontend which reads it, in its
// first line or by an argument, may have a grammar of its own: of such a one only
// its text is checked.
func CheckSyntax(text []byte, args map[string]string) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return errors.New("it is empty")
	}
	if at := bytes.IndexByte(text, 0); at >= 0 {
		return fmt.Errorf("line %d has a NUL byte: it is not text", 1+bytes.Count(text[:at], []byte("\n")))
	}
	if firstSyntax.Match(text) || args[syntaxArg] != "" {
		return nil
	}
	if line := lateEscape(text); line > 0 {
		return fmt.Errorf("line %d is an escape directive after a check directive, which builders of different versions obey or ignore: put it in the first line", line)
	}
	_, _, _, err := parse(text)
	if err != nil && bytes.Contains(text, []byte("<<")) {
		if _, _, _, without := parse(bytes.ReplaceAll(text, []byte("<<"), []byte(">>"))); without == nil {
			return nil // for a builder that knows no here-documents
		}
	}
	if err != nil && bytes.IndexByte(text, '\r') >= 0 && bytes.IndexByte(text, '\n') < 0 {
		return fmt.Errorf("%w (its lines end with a carriage return alone, which no builder takes for the end of a line: end them with a line feed)", err)
	}
	return err
}

// lateEscape returns the line of an escape directive that follows a check
// directive, or 0. BuildKit of Docker Engine 20.10 does not know check, ignores
// what follows it, and may find no FROM where today's finds one: it panics then.
func lateEscape(text []byte) int {
	afterCheck := false
	for number, line := range head(text) {
		if escapeLine.Match(line) && afterCheck {
			return number + 1
		}
		afterCheck = afterCheck || checkLine.Match(line)
	}
	return 0
}

var checkLine = regexp.MustCompile(`(?i)^#\s*check\s*=`)

// firstSyntax is the form of a syntax directive that every version of BuildKit
// obeys. After a byte order mark, Docker Engine 20.10 does not.
var firstSyntax = regexp.MustCompile(`^#[ \t]*syntax[ \t]*=[ \t]*[^ \t\r\n]`)
