package stateimage

// Which of the names that are sealed on a data volume travel in a state image.

import "strings"

// Sealed declares a name under which a package seals something that travels with
// the state. Packages declare it beside the name itself; what nobody declares
// stays on its volume.
type Sealed struct {
	// Name is the name, or, with "/" at its end, the beginning of names.
	Name string
	// Merge returns what to keep of two records that differ, ours and that of the
	// state. Where it is nil, Name is of a key: two that differ are never merged.
	Merge func(name string, ours, theirs []byte) ([]byte, error)
}

// covers reports whether s declares name.
func (s Sealed) covers(name string) bool {
	if strings.HasSuffix(s.Name, "/") {
		return strings.HasPrefix(name, s.Name)
	}
	return name == s.Name
}

// Travelling is all that is declared for a server.
type Travelling []Sealed

// Find returns the declaration of name: the longest, where several cover it.
func (t Travelling) Find(name string) (declared Sealed, ok bool) {
	for _, one := range t {
		if one.covers(name) && len(one.Name) > len(declared.Name) {
			declared, ok = one, true
		}
	}
	return declared, ok
}
