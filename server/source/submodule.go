package source

import (
	"context"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/opensbs/sbs/server/source/gitconfig"
	"github.com/opensbs/sbs/server/source/gitstore"
)

// module is a submodule of the checked out commit.
type module struct {
	name   string // in .gitmodules; its Git folder is .git/modules/<name>
	path   string // in the work tree of the repository it belongs to
	url    URL
	commit plumbing.Hash
}

// modulesOf returns the submodules to clone of those that a checkout has met,
// and the paths of those that .gitmodules leaves out with "update = none".
func modulesOf(c *checkout, parent URL) (modules []module, none []string, err error) {
	if len(c.Files.Submodules) == 0 {
		return nil, nil, nil
	}
	if len(c.Files.Submodules) > MaxSubmodules {
		return nil, nil, &gitstore.LimitError{What: "submodules", Limit: MaxSubmodules}
	}
	declared, err := readModules(c)
	if err != nil {
		return nil, nil, err
	}
	for _, path := range slices.Sorted(maps.Keys(c.Files.Submodules)) {
		d, ok := declared[path]
		switch {
		case gitconfig.IsOption(path):
			return nil, nil, &gitstore.TreeError{Path: path, Reason: "the submodule's path looks like an option"} // Git refuses it too
		case !ok:
			return nil, nil, fmt.Errorf("submodule %q: %s has no entry for it", path, gitconfig.ModulesFile)
		case d.Update == "none":
			none = append(none, path)
			continue
		}
		m, err := moduleOf(d, parent)
		if err != nil {
			return nil, nil, err
		}
		m.commit = c.Files.Submodules[path]
		modules = append(modules, m)
	}
	return modules, none, checkNesting(modules)
}

// moduleOf checks a declaration.
func moduleOf(d *gitconfig.Module, parent URL) (module, error) {
	if reason := gitstore.CheckModuleName(d.Name); reason != "" {
		return module{}, &gitstore.TreeError{Path: d.Path, Reason: reason}
	}
	if d.URL == "" {
		return module{}, fmt.Errorf("submodule %q: %s has no URL for it", d.Path, gitconfig.ModulesFile)
	}
	u, err := parent.resolve(d.URL)
	if err != nil {
		return module{}, fmt.Errorf("submodule %q: %w", d.Path, err)
	}
	return module{name: d.Name, path: d.Path, url: u}, nil
}

// checkNesting refuses names of which one is a folder of the other: the Git
// folder of one submodule would lie within that of another.
func checkNesting(modules []module) error {
	for _, a := range modules {
		for _, b := range modules {
			if a.path != b.path && (a.name == b.name || strings.HasPrefix(a.name, b.name+"/")) {
				return &gitstore.TreeError{Path: a.path, Reason: fmt.Sprintf("the submodule's name %q is taken by, or below, that of %q", a.name, b.path)}
			}
		}
	}
	return nil
}

// submodule clones one submodule of a repository and those within it.
func (c *cloner) submodule(ctx context.Context, parent node, m module) ([]Submodule, error) {
	if parent.depth == maxSubmoduleDepth {
		return nil, &gitstore.LimitError{What: "submodules within submodules", Limit: maxSubmoduleDepth}
	}
	if err := c.left.submodules.Take(1); err != nil {
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
	if err := gitstore.WriteGitFile(child.worktree, filepath.ToSlash(fromTree)); err != nil {
		return nil, err
	}
	if child.git, err = gitstore.CreateFolder(parent.git, "modules/"+m.name); err != nil {
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

// readModules returns the declarations of .gitmodules by path.
func readModules(c *checkout) (map[string]*gitconfig.Module, error) {
	text, found, err := c.text(gitconfig.ModulesFile, maxModulesFile)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("the commit has submodules but no file %s", gitconfig.ModulesFile)
	}
	declared, err := gitconfig.ParseModules(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", gitconfig.ModulesFile, err)
	}
	return declared, nil
}

// worktreeOfGit returns the relative path from the Git folder of a submodule to its
// work tree. It is empty for the main repository, whose .git is in the work tree.
func (n node) worktreeOfGit() (string, error) {
	if n.depth == 0 {
		return "", nil
	}
	up, err := filepath.Rel(n.gitPath, n.treePath)
	if err != nil {
		return "", fmt.Errorf("path of the work tree: %w", err)
	}
	return filepath.ToSlash(up), nil
}
