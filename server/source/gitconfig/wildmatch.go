package gitconfig

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// attributePattern compiles a pattern of .gitattributes into a function that
// matches files as Git's path_matches does. It returns nil for a pattern that
// matches no file.
func attributePattern(pattern string) func(fromFolder, name string) bool {
	if strings.HasPrefix(pattern, "!") || strings.HasSuffix(pattern, "/") {
		return nil // Git ignores the first, and the second is for folders
	}
	if !strings.Contains(pattern, "/") {
		suffix, star := strings.CutPrefix(pattern, "*")
		switch {
		case !strings.ContainsAny(pattern, `*?[\`):
			return func(_, name string) bool { return name == pattern }
		case star && !strings.ContainsAny(suffix, `*?[\`):
			return func(_, name string) bool { return strings.HasSuffix(name, suffix) }
		}
	}
	expression := wildcard(strings.TrimPrefix(pattern, "/"))
	if expression == nil {
		return nil
	}
	whole := strings.Contains(pattern, "/")
	return func(fromFolder, name string) bool {
		if whole {
			return expression.MatchString(bytewise(fromFolder))
		}
		return expression.MatchString(bytewise(name))
	}
}

// bytewise makes a character of each byte: Git's patterns match bytes.
func bytewise(text string) string {
	runes := make([]rune, len(text))
	for i, b := range []byte(text) {
		runes[i] = rune(b)
	}
	return string(runes)
}

// wildcard compiles a pattern into the regular expression that matches what Git's
// wildmatch.c does with WM_PATHNAME. Matching takes time linear in the text. It
// returns nil for a pattern that matches nothing.
func wildcard(pattern string) *regexp.Regexp {
	var expression strings.Builder
	expression.WriteString(`(?s)\A`)
	for i := 0; i < len(pattern); {
		switch c := pattern[i]; c {
		case '*':
			piece, n := stars(pattern, i)
			expression.WriteString(piece)
			i += n
		case '?':
			expression.WriteString(`[^/]`)
			i++
		case '[':
			piece, n := class(pattern[i:])
			if n == 0 {
				return nil
			}
			expression.WriteString(piece)
			i += n
		case '\\':
			if i++; i == len(pattern) {
				return nil
			}
			fallthrough
		default:
			fmt.Fprintf(&expression, `\x{%x}`, pattern[i])
			i++
		}
	}
	expression.WriteString(`\z`)
	compiled, err := regexp.Compile(expression.String())
	if err != nil {
		return nil // too large
	}
	return compiled
}

// stars translates the stars at i. Two of them between slashes match any number
// of folders.
func stars(pattern string, i int) (expression string, n int) {
	for i+n < len(pattern) && pattern[i+n] == '*' {
		n++
	}
	rest := pattern[i+n:]
	if n == 1 || i > 0 && pattern[i-1] != '/' {
		return `[^/]*`, n
	}
	switch {
	case rest == "":
		return `.*`, n
	case rest[0] == '/':
		return `(?:.*/)?`, n + 1
	case strings.HasPrefix(rest, `\/`):
		return `.*`, n
	}
	return `[^/]*`, n
}

// class translates a bracket expression and returns its length, or 0 if it is
// none.
func class(text string) (expression string, n int) {
	var in [256]bool
	i := 1
	negated := i < len(text) && (text[i] == '!' || text[i] == '^')
	if negated {
		i++
	}
	for first, last := true, -1; ; first = false { // last is the character before, which may begin a range
		switch {
		case i >= len(text):
			return "", 0
		case text[i] == ']' && !first:
			return ranges(&in, negated), i + 1
		case text[i] == '-' && last >= 0 && i+1 < len(text) && text[i+1] != ']':
			i++
			if text[i] == '\\' {
				i++
			}
			if i >= len(text) {
				return "", 0
			}
			for c := last; c <= int(text[i]); c++ {
				in[c] = true
			}
			last = -1
		case strings.HasPrefix(text[i:], "[:") && strings.Contains(text[i+2:], "]"):
			length, named := namedClass(text[i+2:], &in)
			if length == 0 {
				return "", 0
			}
			if last = -1; !named {
				in['['], last = true, '['
			}
			i += length
			continue
		default:
			if text[i] == '\\' {
				if i++; i >= len(text) {
					return "", 0
				}
			}
			in[text[i]], last = true, int(text[i])
		}
		i++
	}
}

// namedClass adds a class such as [:alpha:] to in. The text begins after "[:"; the
// length is counted from there. Without a closing ":]" it is a plain bracket, and
// named is false. The length is 0 if Git knows no such class.
func namedClass(text string, in *[256]bool) (length int, named bool) {
	name, ended := strings.CutSuffix(text[:strings.IndexByte(text, ']')], ":")
	if !ended {
		return 1, false
	}
	expression, err := regexp.Compile(`\A[[:` + name + `:]]\z`)
	if err != nil || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" || name == "ascii" || name == "word" {
		return 0, false
	}
	for c := range 0x80 {
		in[c] = in[c] || expression.MatchString(string(rune(c)))
	}
	return 2 + len(name) + 2, true
}

// ranges returns the bracket expression of the bytes in in, or of all others if
// negated, without the slash.
func ranges(in *[256]bool, negated bool) string {
	var expression strings.Builder
	for c := 1; c < len(in); c++ {
		if c != '/' && in[c] != negated {
			fmt.Fprintf(&expression, `\x{%x}`, c)
		}
	}
	if expression.Len() == 0 {
		return `[^\x00-\x{10ffff}]`
	}
	return "[" + expression.String() + "]"
}

// unquoteC reads a quoted text as Git's unquote_c_style does and returns what
// follows it.
func unquoteC(text string) (unquoted, rest string, ok bool) {
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			return out.String(), text[i+1:], true
		case '\\':
			i++
			if i == len(text) {
				return "", "", false
			}
			if simple := strings.IndexByte(`abfnrtv\"`, text[i]); simple >= 0 {
				out.WriteByte("\a\b\f\n\r\t\v\\\""[simple])
				continue
			}
			if i+3 > len(text) {
				return "", "", false
			}
			octal, err := strconv.ParseUint(text[i:i+3], 8, 8)
			if err != nil {
				return "", "", false
			}
			out.WriteByte(byte(octal))
			i += 2
		default:
			out.WriteByte(c)
		}
	}
	return "", "", false
}
