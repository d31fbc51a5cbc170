package source

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
)

const modulesFile = ".gitmodules"

// module is a submodule to be cloned.
type module struct {
	name   string // in .gitmodules; its Git folder is .git/modules/<name>
	path   string // in the work tree of the repository it belongs to
	url    URL
	commit plumbing.Hash
}

// modulesOf reads .gitmodules for the submodules a checkout has met. Of all it
// can say, name, path and URL are used and checked; the rest is for Git's own
// commands, some of it is commands.
func modulesOf(c *checkout, parent URL) ([]module, error) {
	if len(c.links) == 0 {
		return nil, nil
	}
	declared, err := readModules(c)
	if err != nil {
		return nil, err
	}
	var modules []module
	for _, path := range slices.Sorted(maps.Keys(c.links)) {
		m, ok := declared[path]
		if !ok {
			return nil, fmt.Errorf("submodule %q: %s has no entry for it", path, modulesFile)
		}
		if reason := checkModuleName(m.Name); reason != "" {
			return nil, &TreeError{path, reason}
		}
		if strings.HasPrefix(path, "-") {
			return nil, &TreeError{path, "the submodule's path looks like an option"} // Git refuses it too
		}
		u, err := parent.resolve(m.URL)
		if err != nil {
			return nil, fmt.Errorf("submodule %q: %w", path, err)
		}
		modules = append(modules, module{m.Name, path, u, c.links[path]})
	}
	return modules, checkNesting(modules)
}

// readModules returns the entries of .gitmodules by path.
func readModules(c *checkout) (map[string]*config.Submodule, error) {
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
	// go-git looks through all sections for each line.
	if bytes.Count(text, []byte("[")) > MaxSubmodules {
		return nil, &LimitError{What: "submodules", Limit: MaxSubmodules}
	}
	parsed := config.NewModules()
	if err := parsed.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("%s: %w", modulesFile, err)
	}
	declared := map[string]*config.Submodule{}
	for name, m := range parsed.Submodules {
		key := strings.TrimSuffix(m.Path, "/")
		if other, twice := declared[key]; twice {
			return nil, fmt.Errorf("%s: the path %q belongs to both %q and %q", modulesFile, key, other.Name, name)
		}
		m.Name = name
		declared[key] = m
	}
	return declared, nil
}

// checkNesting refuses names of which one is a folder of the other: the Git
// folder of one submodule would lie within that of another.
func checkNesting(modules []module) error {
	for _, a := range modules {
		for _, b := range modules {
			if a.path != b.path && (a.name == b.name || strings.HasPrefix(a.name, b.name+"/")) {
				return &TreeError{a.path, fmt.Sprintf("the submodule's name %q is taken by, or below, that of %q", a.name, b.path)}
			}
		}
	}
	return nil
}

// submodule clones one submodule of a repository and those within it.
func (c *cloner) submodule(ctx context.Context, parent node, m module) ([]Submodule, error) {
	if parent.depth == maxSubmoduleDepth {
		return nil, &LimitError{What: "submodules within submodules", Limit: maxSubmoduleDepth}
	}
	if err := c.left.submodules.take(1); err != nil {
		return nil, err
	}
	child := node{
		url: m.url, reference: m.commit.String(), depth: parent.depth + 1,
		gitPath:  path.Join(parent.gitPath, "modules", m.name),
		treePath: path.Join(parent.treePath, m.path),
	}
	fromTree, err := filepath.Rel(child.treePath, child.gitPath)
	if err != nil {
		return nil, fmt.Errorf("submodule %q: %w", child.treePath, err)
	}
	if child.worktree, err = parent.worktree.OpenRoot(m.path); err != nil {
		return nil, fmt.Errorf("submodule %q: %w", child.treePath, err)
	}
	defer child.worktree.Close() //nolint:errcheck // only a handle
	if err := writeText(child.worktree, ".git", "gitdir: "+filepath.ToSlash(fromTree)+"\n"); err != nil {
		return nil, err
	}
	if child.git, err = moduleFolder(parent.git, m.name); err != nil {
		return nil, fmt.Errorf("submodule %q: %w", child.treePath, err)
	}
	defer child.git.Close() //nolint:errcheck // only a handle
	result, err := c.repository(ctx, child)
	if err != nil {
		return nil, fmt.Errorf("submodule %q at %s: %w", child.treePath, m.url, err)
	}
	own := Submodule{Path: child.treePath, URL: m.url.String(), Commit: result.Commit}
	return append([]Submodule{own}, result.Submodules...), nil
}

// moduleFolder makes the Git folder of a submodule.
func moduleFolder(git *os.Root, name string) (*os.Root, error) {
	full := "modules/" + name
	if err := makeFolders(git, path.Dir(full)); err != nil {
		return nil, err
	}
	if err := makeFolder(git, full); err != nil {
		return nil, err
	}
	return git.OpenRoot(full)
}
