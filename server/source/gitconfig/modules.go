package gitconfig

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ModulesFile is the path of the file that lists the submodules of a commit.
const ModulesFile = ".gitmodules"

// Module is a submodule as .gitmodules declares it.
type Module struct {
	Name, Path, URL string
	Update          string // empty, checkout, rebase, merge or none
}

// ParseModules returns the submodules that a .gitmodules declares, by path, as
// Git's submodule-config.c reads them: of two values for one key the last one
// counts, and so does the last section that names a path. Sections without a path
// are ignored, and names with ".." in them.
func ParseModules(text string) (map[string]*Module, error) {
	settings, err := Parse(text)
	if err != nil {
		return nil, err
	}
	byName, byPath := map[string]*Module{}, map[string]*Module{}
	for _, s := range settings {
		name, key, ok := submoduleKey(s.Name)
		if !ok || leadsUp(name) {
			continue
		}
		d := byName[name]
		if d == nil {
			d = &Module{Name: name}
			byName[name] = d
		}
		if err := d.set(key, s); err != nil {
			return nil, fmt.Errorf("%.200q: %w", s.Name, err)
		}
		if key == "path" && !IsOption(s.Value) {
			delete(byPath, d.Path)
			d.Path = strings.TrimSuffix(s.Value, "/")
			byPath[d.Path] = d
		}
	}
	return byPath, nil
}

// submoduleKey cuts "submodule.<name>.<key>"; a name may hold dots.
func submoduleKey(setting string) (name, key string, ok bool) {
	rest, ok := strings.CutPrefix(setting, "submodule.")
	end := strings.LastIndexByte(rest, '.')
	if !ok || end < 0 {
		return "", "", false
	}
	return rest[:end], rest[end+1:], true
}

// leadsUp reports whether the name of a submodule is one that Git ignores: it is
// empty, or ".." is a part of it.
func leadsUp(name string) bool {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '\\' })
	return name == "" || slices.Contains(parts, "..")
}

// IsOption reports whether a program could take a path or URL for an option. Git
// ignores such a value.
func IsOption(value string) bool { return strings.HasPrefix(value, "-") }

// set stores one setting, except the path. Unknown keys are for Git's own
// commands. What Git cannot read is refused, even of a submodule that is not in
// the commit: git status would fail.
func (d *Module) set(key string, s Setting) error {
	switch key {
	case "path", "url", "update":
		if !s.HasValue {
			return errors.New("it has no value")
		}
	}
	switch {
	case key == "url" && (d.URL == "" || !IsOption(s.Value)): // an option that is the only URL is kept, and refused as a URL later
		d.URL = s.Value
	case key == "update":
		if !slices.Contains([]string{"checkout", "rebase", "merge", "none"}, s.Value) {
			return fmt.Errorf("the value %.100q is refused, as Git does: it may be checkout, rebase, merge or none", s.Value)
		}
		d.Update = s.Value
	case key == "shallow" && !isBoolean(s),
		key == "fetchrecursesubmodules" && s.Value != "on-demand" && !isBoolean(s):
		return fmt.Errorf("the value %.100q is neither true nor false", s.Value)
	}
	return nil
}

// isBoolean reports whether Git can read a value as true or false.
func isBoolean(s Setting) bool {
	switch strings.ToLower(s.Value) {
	case "true", "yes", "on", "false", "no", "off", "":
		return true
	}
	digits := strings.TrimRight(s.Value, "kKmMgG")
	_, err := strconv.ParseInt(digits, 0, 32)
	return err == nil && len(s.Value)-len(digits) <= 1
}
