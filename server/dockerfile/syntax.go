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

// firstSyntax is the form of a syntax directive that every version of BuildKit
// obeys.
var firstSyntax = regexp.MustCompile(`^(?:\xef\xbb\xbf)?#[ \t]*syntax[ \t]*=[ \t]*[^ \t\r\n]`)
