package gitconfig

import (
	"strings"
)

// AttributesFile is the name of the file that gives attributes to the files of
// its folder and of those below it.
const AttributesFile = ".gitattributes"

// Attributes is one parsed .gitattributes (gitattributes(5), Git's attr.c).
type Attributes struct {
	rules  []attributeRule
	macros map[string][]attributeState // only those of the top folder count
}

// attributeRule gives attributes to the files that match a pattern.
type attributeRule struct {
	matches func(fromFolder, name string) bool // the path below the folder, and the last part of it
	states  []attributeState
}

// attributeState is an attribute and its state: a value, or one of [Set], [Unset]
// and [Unspecified].
type attributeState struct{ name, value string }

// States of an attribute that are no values. The NUL keeps them apart from every
// value that a file can hold.
const (
	Set         = "\x00true"
	Unset       = "\x00false"
	Unspecified = "\x00unspecified"
)

// binaryMacro is the macro built into Git.
var binaryMacro = []attributeState{{"diff", Unset}, {"merge", Unset}, {"text", Unset}}

// maxAttributeLine is the length from which on Git ignores a line.
const maxAttributeLine = 2048

const attributeBlanks = " \t\r\n"

// ParseAttributes reads a .gitattributes. Lines that Git ignores are ignored.
func ParseAttributes(text string) *Attributes {
	s := &Attributes{macros: map[string][]attributeState{}}
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimSuffix(line, "\n")
		line, _, _ = strings.Cut(line, "\x00")
		trimmed := strings.TrimLeft(line, attributeBlanks)
		if trimmed == "" || trimmed[0] == '#' || len(line) >= maxAttributeLine {
			continue
		}
		pattern, rest := cutPattern(trimmed)
		states, ok := parseStates(rest)
		if !ok {
			continue
		}
		if macro, is := strings.CutPrefix(pattern, "[attr]"); is && macro != "" {
			if validAttribute(macro) {
				s.macros[macro] = states
			}
			continue
		}
		if matches := attributePattern(pattern); matches != nil {
			s.rules = append(s.rules, attributeRule{matches, states})
		}
	}
	return s
}

// cutPattern cuts the pattern from a line; it may be quoted as in C.
func cutPattern(line string) (pattern, rest string) {
	if line[0] == '"' {
		if pattern, rest, ok := unquoteC(line); ok {
			return pattern, rest
		}
	}
	end := strings.IndexAny(line, attributeBlanks)
	if end < 0 {
		return line, ""
	}
	return line[:end], line[end:]
}

// parseStates reads the states after a pattern. One invalid name makes Git ignore
// the line; ok is false then.
func parseStates(text string) (states []attributeState, ok bool) {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(attributeBlanks, r) }) {
		name, value, assigned := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(name, "-"):
			name, value = name[1:], Unset
		case strings.HasPrefix(name, "!"):
			name, value = name[1:], Unspecified
		case !assigned:
			value = Set
		}
		if !validAttribute(name) {
			return nil, false
		}
		states = append(states, attributeState{name, value})
	}
	return states, true
}

func validAttribute(name string) bool {
	return name != "" && name[0] != '-' && strings.IndexFunc(name, func(r rune) bool {
		return r > 0x7f || r != '-' && r != '.' && r != '_' && !isLetter(byte(r)) && (r < '0' || r > '9')
	}) < 0
}

// AttributeTree holds the .gitattributes of a tree by folder, which is "" or ends
// with a slash.
type AttributeTree map[string]*Attributes

// Of returns the attributes of a file, and how many rules were tried. The
// deepest folder counts first, and in a file the last line.
func (s AttributeTree) Of(path string) (found map[string]string, tried int) {
	found = map[string]string{}
	name := path[strings.LastIndexByte(path, '/')+1:]
	for end := len(path) - len(name); ; end = strings.LastIndexByte(path[:end-1], '/') + 1 {
		if source := s[path[:end]]; source != nil {
			tried += len(source.rules)
			for i := len(source.rules) - 1; i >= 0; i-- {
				if rule := source.rules[i]; rule.matches(path[end:], name) {
					s.fill(found, rule.states)
				}
			}
		}
		if end == 0 {
			return found, tried
		}
	}
}

// fill adds states to those found so far, which win, and expands macros.
func (s AttributeTree) fill(found map[string]string, states []attributeState) {
	for i := len(states) - 1; i >= 0; i-- {
		state := states[i]
		if _, done := found[state.name]; done {
			continue
		}
		found[state.name] = state.value
		if state.value == Set {
			s.fill(found, s.macro(state.name))
		}
	}
}

func (s AttributeTree) macro(name string) []attributeState {
	if top := s[""]; top != nil {
		if states, ok := top.macros[name]; ok {
			return states
		}
	}
	if name == "binary" {
		return binaryMacro
	}
	return nil
}
