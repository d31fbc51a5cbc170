package stateimage

// Which of the names that are sealed on a data volume are exported in a state image.

import "strings"

// Sealed declares a name under which a package seals something that is exported with
// the state. A package declares it next to the name itself. A name that is not
// declared is never exported.
type Sealed struct {
	// Name is the name, or, with "/" at its end, the beginning of names.
	Name string
	// Merge returns what to keep of two records that differ, ours and that of the
	// state. Where Merge is nil, Name is the name of a key: two keys that differ are
	// never merged.
	Merge func(name string, ours, theirs []byte) ([]byte, error)
}

// covers reports whether s declares name.
func (s Sealed) covers(name string) bool {
	if strings.HasSuffix(s.Name, "/") {
		return strings.HasPrefix(name, s.Name)
	}
	return name == s.Name
}

// Travelling holds all declarations of a server.
type Travelling []Sealed

// Find returns the declaration of name: the one with the longest Name, where
// several cover it.
func (t Travelling) Find(name string) (declared Sealed, ok bool) {
	for _, one := range t {
		if one.covers(name) && len(one.Name) > len(declared.Name) {
			declared, ok = one, true
		}
	}
	return declared, ok
}
