package gitconfig

import (
	"errors"
	"fmt"
	"strings"
)

// Setting is one line of a text in the format of git-config(1).
type Setting struct {
	Name     string // section.key or section.subsection.key; section and key are in lower case
	Value    string
	HasValue bool // false: there is a key alone, without "="
}

// Parse reads a text in the format of git-config(1), as Git's config.c does, in
// the order of the text. Nothing is included. go-git's reader differs from Git's in byte order
// marks, escapes, line continuations and keys on the line of their section.
func Parse(text string) ([]Setting, error) {
	if strings.ContainsRune(text, 0) {
		return nil, errors.New("it holds a NUL")
	}
	p := &configParser{text: strings.TrimPrefix(text, "\ufeff"), line: 1}
	for {
		line := p.line
		done, err := p.next()
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if done {
			return p.settings, nil
		}
	}
}

// configParser is a port of git_parse_source. Its bytes come from take, which
// returns a line feed at the end of the text, as Git's get_next_char does.
type configParser struct {
	text     string
	at, line int
	ended    bool
	prefix   string // of the settings to come: empty, or with its subsection and a dot at the end
	settings []Setting
}

func (p *configParser) take() byte {
	if p.at == len(p.text) {
		p.ended = true
		return '\n'
	}
	c := p.text[p.at]
	p.at++
	if c == '\r' && p.at < len(p.text) && p.text[p.at] == '\n' {
		c = '\n'
		p.at++
	}
	if c == '\n' {
		p.line++
	}
	return c
}

// next reads white space, a comment, the head of a section or a key with its
// value, and reports whether the text has ended.
func (p *configParser) next() (done bool, err error) {
	c := p.take()
	switch {
	case c == '\n':
		return p.ended, nil
	case isConfigSpace(c):
		return false, nil
	case c == '#' || c == ';':
		for p.take() != '\n' {
		}
		return p.ended, nil
	case c == '[':
		return false, p.section()
	case isLetter(c):
		return false, p.setting(c)
	}
	return false, fmt.Errorf("it begins with %q", c)
}

var errSection = errors.New(`a section is [name] or [name "subsection"]`)

func (p *configParser) section() error {
	var name strings.Builder
	for {
		c := p.take()
		switch {
		case p.ended:
			return errSection
		case c == ']':
			if name.Len() == 0 {
				return errSection
			}
			p.prefix = name.String() + "."
			return nil
		case isConfigSpace(c):
			name.WriteByte('.')
			return p.subsection(&name, c)
		case !isKeyByte(c) && c != '.':
			return errSection
		}
		name.WriteByte(lower(c))
	}
}

// subsection reads from the first space after the name of a section.
func (p *configParser) subsection(name *strings.Builder, c byte) error {
	for isConfigSpace(c) {
		if c == '\n' {
			return errSection
		}
		c = p.take()
	}
	if c != '"' {
		return errSection
	}
	for {
		c := p.take()
		if c == '"' {
			break
		}
		if c == '\\' {
			c = p.take()
		}
		if c == '\n' {
			return errSection
		}
		name.WriteByte(c)
	}
	if p.take() != ']' {
		return errSection
	}
	p.prefix = name.String() + "."
	return nil
}

// setting reads a key, whose first byte is given, and its value.
func (p *configParser) setting(c byte) error {
	var key strings.Builder
	for isKeyByte(c) {
		key.WriteByte(lower(c))
		c = p.take()
	}
	for c == ' ' || c == '\t' {
		c = p.take()
	}
	s := Setting{Name: p.prefix + key.String()}
	if c != '\n' {
		if c != '=' {
			return fmt.Errorf("after the key %.100q there is %q instead of =", s.Name, c)
		}
		s.HasValue = true
		var err error
		if s.Value, err = p.value(); err != nil {
			return fmt.Errorf("the value of %.100q: %w", s.Name, err)
		}
	}
	p.settings = append(p.settings, s)
	return nil
}

// value reads up to the end of the line: white space at both ends and comments
// are dropped, unless they are quoted.
func (p *configParser) value() (string, error) {
	var value strings.Builder
	quoted, spaces := false, 0
	for {
		c := p.take()
		switch {
		case c == '\n':
			if quoted {
				return "", errors.New("a quote is not closed on its line")
			}
			return value.String(), nil
		case isConfigSpace(c) && !quoted:
			if value.Len() > 0 {
				spaces++
			}
			continue
		case (c == ';' || c == '#') && !quoted:
			for p.take() != '\n' {
			}
			return value.String(), nil
		}
		value.WriteString(strings.Repeat(" ", spaces))
		spaces = 0
		switch c {
		case '"':
			quoted = !quoted
		case '\\':
			if err := p.escape(&value); err != nil {
				return "", err
			}
		default:
			value.WriteByte(c)
		}
	}
}

// escape reads what follows a backslash in a value. At the end of a line the
// value continues on the next one.
func (p *configParser) escape(value *strings.Builder) error {
	switch c := p.take(); c {
	case '\n':
	case 't':
		value.WriteByte('\t')
	case 'b':
		value.WriteByte('\b')
	case 'n':
		value.WriteByte('\n')
	case '\\', '"':
		value.WriteByte(c)
	default:
		return fmt.Errorf(`it holds \%c, and only \\, \", \n, \t and \b are known`, c)
	}
	return nil
}

func isConfigSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isLetter(c byte) bool { return 'a' <= lower(c) && lower(c) <= 'z' }

func isKeyByte(c byte) bool { return isLetter(c) || '0' <= c && c <= '9' || c == '-' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
