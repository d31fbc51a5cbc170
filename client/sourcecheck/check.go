package sourcecheck

// From the pieces to the commit: the repository, and the submodules within it.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// Result is a folder in which everything holds.
type Result struct {
	Commit     string      // the id that was computed, 40 hex digits
	Tag        Tag         // zero if no tag was built
	Submodules []Submodule // cloned or not, in the order of their paths
	Files      int         // in the work trees, links included
	LFS        int         // those of the files that are objects of Git LFS, whose pointers the commits have
	Objects    int
}

// Submodule is a repository within another. Commit is what the tree around it
// requires; where it was cloned, it was recomputed too.
type Submodule struct {
	Path   string // from the top of the manifest's git/, with slashes
	Commit string // 40 hex digits
	Cloned bool   // false: its folder is empty
}

// Check returns what the folder holds when all of it was added. The folder can't be
// used again.
func (f *Folder) Check(ctx context.Context) (Result, error) {
	var result Result
	commit, err := f.repository(ctx, gitFolder, "", 0, &result)
	if err != nil {
		return Result{}, err
	}
	result.Commit = commit.String()
	slices.SortFunc(result.Submodules, func(a, b Submodule) int { return strings.Compare(a.Path, b.Path) })
	if name, ok := firstKey(f.work); ok {
		return Result{}, fmt.Errorf("%q is among the files, but not in the commit", name)
	}
	for _, left := range []func() (string, bool){
		func() (string, bool) { return firstKey(f.packs) },
		func() (string, bool) { return firstKey(f.indexes) },
		func() (string, bool) { return firstKey(f.staged) },
		func() (string, bool) { return firstKey(f.texts) },
	} {
		if name, ok := left(); ok {
			return Result{}, fmt.Errorf("%q is nothing that a clone needs", name)
		}
	}
	return result, nil
}

// firstKey returns the smallest key, for deterministic errors.
func firstKey[V any](m map[string]V) (string, bool) {
	if len(m) == 0 {
		return "", false
	}
	return slices.Min(slices.Collect(maps.Keys(m))), true
}

// repository checks the repository whose Git folder is git and whose files are
// below base, and those within it.
func (f *Folder) repository(ctx context.Context, git, base string, depth int, result *Result) (plumbing.Hash, error) {
	if depth > maxSubmodule {
		return plumbing.ZeroHash, fmt.Errorf("it has more than %d submodules within submodules", maxSubmodule)
	}
	head, detached, err := f.head(git)
	if err != nil {
		return head, err
	}
	p, err := f.pack(git)
	if err != nil {
		return head, err
	}
	var tags []plumbing.Hash
	if detached && depth == 0 {
		if result.Tag, tags, err = f.tag(p, git, head); err != nil {
			return head, err
		}
	}
	cut, err := f.shallow(git)
	if err != nil {
		return head, err
	}
	if err := f.checkConfig(git, base); err != nil {
		return head, err
	}
	if err := f.checkClosure(ctx, p, head, tags, cut); err != nil {
		return head, err
	}
	return head, f.checkFiles(ctx, p, head, git, base, depth, result)
}

func (f *Folder) checkFiles(ctx context.Context, p *pack, head plumbing.Hash, git, base string, depth int, result *Result) error {
	var commit gitobject.Commit
	if err := f.decode(p, head, plumbing.CommitObject, &commit); err != nil {
		return err
	}
	w := &worktree{folder: f, pack: p}
	if err := w.tree(ctx, commit.TreeHash, base, "", 0); err != nil {
		return err
	}
	staged, ok := f.staged[git+"/index"]
	if !ok || staged != stagingOf(w.listed) {
		return fmt.Errorf("%s/index does not list the files of the commit", git)
	}
	delete(f.staged, git+"/index")
	result.Files += w.files
	result.LFS += w.lfs
	result.Objects += len(p.objects)
	for _, module := range w.modules {
		if err := f.submodule(ctx, git, module, depth, result); err != nil {
			return fmt.Errorf("submodule %q: %w", module.Path, err)
		}
	}
	return nil
}

// submodule checks a submodule where it was cloned.
func (f *Folder) submodule(ctx context.Context, git string, module Submodule, depth int, result *Result) error {
	link, cloned := f.texts[module.Path+"/.git"]
	if cloned {
		delete(f.texts, module.Path+"/.git")
		target, ok := strings.CutPrefix(strings.TrimSuffix(link, "\n"), "gitdir: ")
		folder := path.Join(module.Path, target)
		if !ok || !strings.HasPrefix(folder, git+"/modules/") {
			return fmt.Errorf("its file .git leads to %.200q", link)
		}
		head, err := f.repository(ctx, folder, module.Path+"/", depth+1, result)
		if err != nil {
			return err
		}
		if head.String() != module.Commit {
			return fmt.Errorf("its commit is %s, the tree around it requires %s", head, module.Commit)
		}
	}
	module.Cloned = cloned
	result.Submodules = append(result.Submodules, module)
	return nil
}

// pack takes the one pack of a Git folder, with its index.
func (f *Folder) pack(git string) (*pack, error) {
	var name string
	for candidate := range f.packs {
		if path.Dir(candidate) != git+"/objects/pack" {
			continue
		}
		if name != "" {
			return nil, fmt.Errorf("%s has more than one pack", git)
		}
		name = candidate
	}
	if name == "" {
		return nil, fmt.Errorf("%s has no pack", git)
	}
	p := f.packs[name]
	stem := git + "/objects/pack/pack-" + p.sum.String()
	switch {
	case name != stem+".pack":
		return nil, fmt.Errorf("%s has the checksum %s", name, p.sum)
	case f.indexes[stem+".idx"] != p.index:
		return nil, errors.New(stem + ".idx is not the index of its pack")
	}
	delete(f.packs, name)
	delete(f.indexes, stem+".idx")
	return p, nil
}
