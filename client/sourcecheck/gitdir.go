package sourcecheck

// The small files of a Git folder, and their allowed contents.

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/config"
)

// take is a text of the folder, which is then dealt with.
func (f *Folder) take(name string) (string, bool) {
	text, ok := f.texts[name]
	delete(f.texts, name)
	return text, ok
}

// head returns the commit that HEAD names, itself (detached) or through a branch.
func (f *Folder) head(git string) (commit plumbing.Hash, detached bool, err error) {
	text, ok := f.take(git + "/HEAD")
	if !ok {
		return commit, false, errors.New(git + " has no HEAD")
	}
	branch, symbolic := strings.CutPrefix(text, "ref: ")
	if symbolic {
		branch = strings.TrimSuffix(branch, "\n")
		if !strings.HasPrefix(branch, "refs/heads/") || branch != path.Clean(branch) {
			return commit, false, fmt.Errorf("%s/HEAD leads to %.200q", git, branch)
		}
		if text, ok = f.take(git + "/" + branch); !ok {
			return commit, false, fmt.Errorf("%s/HEAD leads to %.200q, which is not there", git, branch)
		}
	}
	commit, err = parseID(git+"/HEAD", text)
	return commit, !symbolic, err
}

// parseID reads one line with an object's id.
func parseID(name, line string) (plumbing.Hash, error) {
	id, ended := strings.CutSuffix(line, "\n")
	if !ended || !plumbing.IsHash(id) {
		return plumbing.ZeroHash, fmt.Errorf("%s: %.100q is no commit id", name, line)
	}
	return plumbing.NewHash(id), nil
}

// shallow are the commits after which the history was cut.
func (f *Folder) shallow(git string) (map[plumbing.Hash]bool, error) {
	name := git + "/shallow"
	text, _ := f.take(name)
	cut := map[plumbing.Hash]bool{}
	for line := range strings.Lines(text) {
		id, err := parseID(name, line)
		if err != nil {
			return nil, err
		}
		cut[id] = true
	}
	return cut, nil
}

// harmless are the settings that a clone has, and that make Git neither run a
// program nor ignore changes; a subsection is the second *.
var harmless = map[string]bool{
	"core.repositoryformatversion": true,
	"core.filemode":                true,
	"core.bare":                    true,
	"core.worktree":                true, // checked to be the right one
	"remote.*.url":                 true,
	"remote.*.fetch":               true,
	"submodule.*.active":           true,
	"submodule.*.url":              true,
}

// checkConfig reads the settings of a Git folder whose files are below base.
func (f *Folder) checkConfig(git, base string) error {
	name := git + "/config"
	text, ok := f.take(name)
	if !ok {
		return errors.New(git + " has no config")
	}
	var settings config.Config
	if err := config.NewDecoder(strings.NewReader(text)).Decode(&settings); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, section := range settings.Sections {
		if err := checkOptions(name, section.Name, section.Options); err != nil {
			return err
		}
		for _, sub := range section.Subsections {
			if err := checkOptions(name, section.Name+".*", sub.Options); err != nil {
				return err
			}
		}
	}
	core := settings.Section("core")
	tree := "."
	if base != "" {
		tree = path.Clean(base)
	}
	if place := core.Option("worktree"); place != "" && path.Join(git, place) != tree || place == "" && base != "" {
		return fmt.Errorf("%s: its work tree is elsewhere, at %.200q", name, place)
	}
	if core.Option("filemode") != "true" || core.Option("bare") != "false" {
		return fmt.Errorf("%s: it makes Git ignore modes or files", name)
	}
	return nil
}

func checkOptions(name, section string, options config.Options) error {
	for _, option := range options {
		key := strings.ToLower(section + "." + option.Key)
		if !harmless[key] {
			return fmt.Errorf("%s: the setting %.200q is none that a clone has", name, key)
		}
	}
	return nil
}
