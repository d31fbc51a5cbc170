package dockerfile

// Instructions that parsers of different versions read differently, and that no
// honest Dockerfile needs. They are refused where images are verified.

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// checkAmbiguous checks one instruction, and the one within ONBUILD.
func checkAmbiguous(node *parser.Node) error {
	if err := checkFlags(node.Original); err != nil {
		return err
	}
	if err := checkHeredocs(node); err != nil {
		return err
	}
	for next := node.Next; next != nil; next = next.Next {
		for _, child := range next.Children {
			if err := checkAmbiguous(child); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkFlags refuses a flag with a quote or an escape character in it. Where such
// a flag ends, and so which flags there are, depends on the version of the parser.
// line is an instruction with its lines joined.
func checkFlags(line string) error {
	words := strings.FieldsFunc(line, unicode.IsSpace)
	for _, word := range words[min(1, len(words)):] {
		if !strings.HasPrefix(word, "--") {
			return nil
		}
		if strings.ContainsAny(word, "\\`'\"") {
			return fmt.Errorf("the flag %.100s has a quote, a backslash or a backtick in it, which builders of different versions read differently: write it without", word)
		}
	}
	return nil
}

// checkHeredocs refuses a here-document whose instruction has more than one line
// before the document begins: its mark may be split over them, so that the parser
// sees it in the joined lines and a search of the text does not.
func checkHeredocs(node *parser.Node) error {
	if len(node.Heredocs) == 0 {
		return nil
	}
	lines := node.EndLine - node.StartLine + 1
	for _, document := range node.Heredocs {
		lines -= strings.Count(document.Content, "\n") + 1 // and the line that ends it
	}
	if lines > 1 {
		return errors.New("a here-document begins in a continued line: write its instruction in one line")
	}
	return nil
}

// newSubstitution is a substitution beyond ${name}, ${name:-word}, ${name:+word} and
// ${name:?word}.
var newSubstitution = regexp.MustCompile(`\$\{[A-Za-z0-9_]+(?:[^A-Za-z0-9_:}][^}]*|:[^-+?][^}]*)\}?`)

// checkSubstitution refuses forms of substitution in the name of an image that
// Docker Engine 20.10 does not know: without verification it refuses them too.
func checkSubstitution(line string) error {
	if found := newSubstitution.FindString(line); found != "" {
		return fmt.Errorf("%.100s is a substitution that not every builder knows: use ${name}, ${name:-word} or ${name:+word} in the name of an image", found)
	}
	return nil
}
