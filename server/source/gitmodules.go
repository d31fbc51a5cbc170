package source

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

const modulesFile = ".gitmodules"

// declaration is what .gitmodules holds about a submodule.
type declaration struct {
	name, path, url string
	update          string // empty, checkout, rebase, merge or none
}

// readModules returns the declarations of .gitmodules by path.
func readModules(c *checkout) (map[string]*declaration, error) {
	if c.modules == nil {
		return nil, fmt.Errorf("the commit has submodules but no file %s", modulesFile)
	}
	place, err := c.store.find(*c.modules, plumbing.BlobObject)
	if err != nil {
		return nil, err
	}
	content, err := c.store.at(place)
	if err != nil {
		return nil, err
	}
	if content.Size() > maxModulesFile {
		return nil, &LimitError{What: "bytes in " + modulesFile, Limit: maxModulesFile}
	}
	text, err := io.ReadAll(content)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", modulesFile, err)
	}
	declared, err := parseModules(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", modulesFile, err)
	}
	return declared, nil
}

// parseModules reads .gitmodules as Git's submodule-config.c does: of two values
// for one key the last one counts, and so does the last section that names a
// path; sections without a path, and names that lead elsewhere, are nothing.
func parseModules(text string) (map[string]*declaration, error) {
	settings, err := parseConfig(text)
	if err != nil {
		return nil, err
	}
	byName, byPath := map[string]*declaration{}, map[string]*declaration{}
	for _, s := range settings {
		name, key, ok := submoduleKey(s.name)
		if !ok || leadsUp(name) {
			continue
		}
		d := byName[name]
		if d == nil {
			d = &declaration{name: name}
			byName[name] = d
		}
		if err := d.set(key, s); err != nil {
			return nil, fmt.Errorf("%.200q: %w", s.name, err)
		}
		if key == "path" && !isOption(s.value) {
			delete(byPath, d.path)
			d.path = strings.TrimSuffix(s.value, "/")
			byPath[d.path] = d
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

// isOption reports whether a program could take a path or URL for an option: Git
// ignores such a value.
func isOption(value string) bool { return strings.HasPrefix(value, "-") }

// set takes one setting but for the path; those it does not know are for Git's
// own commands. What Git can't read is refused, even of a submodule that is not
// in the commit: git status would fail.
func (d *declaration) set(key string, s setting) error {
	switch key {
	case "path", "url", "update":
		if !s.hasValue {
			return errors.New("it has no value")
		}
	}
	switch {
	case key == "url" && (d.url == "" || !isOption(s.value)): // an option alone is no URL: refused as such
		d.url = s.value
	case key == "update":
		if !slices.Contains([]string{"checkout", "rebase", "merge", "none"}, s.value) {
			return fmt.Errorf("the value %.100q is refused, as Git does: it may be checkout, rebase, merge or none", s.value)
		}
		d.update = s.value
	case key == "shallow" && !isBoolean(s),
		key == "fetchrecursesubmodules" && s.value != "on-demand" && !isBoolean(s):
		return fmt.Errorf("the value %.100q is neither true nor false", s.value)
	}
	return nil
}

// isBoolean reports whether Git can read a value as true or false.
func isBoolean(s setting) bool {
	switch strings.ToLower(s.value) {
	case "true", "yes", "on", "false", "no", "off", "":
		return true
	}
	digits := strings.TrimRight(s.value, "kKmMgG")
	_, err := strconv.ParseInt(digits, 0, 32)
	return err == nil && len(s.value)-len(digits) <= 1
}
