package stateimage

// Which of the names that are sealed on a data volume are exported in a state image.

import "strings"

// Sealed declares a name under which a package seals something on the data volume.
// A package declares it next to the name itself.
type Sealed struct {
	// Name is the name or, with "/" at its end, the part of names before their last
	// element.
	Name string
	// Travels is true when what is sealed is exported in a state image. A name that
	// is not declared never is.
	Travels bool
	// Merge returns what to keep of two records that differ, ours and that of the
	// state. Where Merge is nil, Name is the name of a key: two keys that differ are
	// never merged.
	Merge func(name string, ours, theirs []byte) ([]byte, error)
}

// covers reports whether s declares name. "a/" covers "a/b" and not "a/b/c", so that
// no declaration covers the names of another package.
func (s Sealed) covers(name string) bool {
	rest, found := strings.CutPrefix(name, s.Name)
	if strings.HasSuffix(s.Name, "/") {
		return found && rest != "" && !strings.Contains(rest, "/")
	}
	return found && rest == ""
}

// Declarations holds all declarations of a server.
type Declarations []Sealed

// Find returns the declaration that covers name.
func (d Declarations) Find(name string) (declared Sealed, ok bool) {
	for _, one := range d {
		if one.Name != "" && one.covers(name) {
			return one, true
		}
	}
	return Sealed{}, false
}

// Travels returns the declaration that covers name, and whether what is sealed
// under name is exported in a state image.
func (d Declarations) Travels(name string) (declared Sealed, travels bool) {
	declared, _ = d.Find(name)
	return declared, declared.Travels
}
