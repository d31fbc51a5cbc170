package sourcecheck

// The files besides the Git folder, against the tree of the commit.

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// worktree compares one work tree. What it has met it takes out of the folder,
// so that in the end nothing may be left.
type worktree struct {
	folder  *Folder
	pack    *pack
	files   int
	lfs     int         // those that are objects of Git LFS
	modules []Submodule // met, by path from the top of the manifest's git/
	listed  []listing   // what the file index must hold
}

// tree compares a folder of the work tree, without a name or with "/" at the
// end. prefix is from the top of this repository, base from there to the top of
// the manifest's git/.
func (w *worktree) tree(ctx context.Context, id plumbing.Hash, base, prefix string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("it has more than %d folders within folders", maxDepth)
	}
	entries, err := w.folder.tree(w.pack, id)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := w.folder.compared.take(1); err != nil {
			return err
		}
		name := prefix + entry.name
		if entry.mode == filemode.Dir {
			err = w.subfolder(ctx, entry, base, name, depth)
		} else {
			err = w.leaf(entry, base, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// subfolder compares a folder within another. One that holds nothing but empty
// folders makes none, as in Git.
func (w *worktree) subfolder(ctx context.Context, entry treeEntry, base, name string, depth int) error {
	before := len(w.listed)
	if err := w.tree(ctx, entry.id, base, name+"/", depth+1); err != nil {
		return err
	}
	if len(w.listed) == before {
		return nil
	}
	return w.entry(base+name, filemode.Dir, plumbing.ZeroHash)
}

// leaf compares what is no folder: a file, a link or the folder of a submodule.
func (w *worktree) leaf(entry treeEntry, base, name string) error {
	w.listed = append(w.listed, listing{name, entry.id, entry.mode})
	if entry.mode == filemode.Submodule {
		w.modules = append(w.modules, Submodule{Path: base + name, Commit: entry.id.String()})
		return w.entry(base+name, filemode.Dir, plumbing.ZeroHash) // its content is compared on its own
	}
	w.files++
	return w.entry(base+name, entry.mode, entry.id)
}

// entry compares one thing with what the tree has. A file may be the object for
// which the tree has the pointer of Git LFS.
func (w *worktree) entry(name string, mode filemode.FileMode, id plumbing.Hash) error {
	found, ok := w.folder.work[name]
	if !ok {
		return fmt.Errorf("%q is in the commit, but not among the files", name)
	}
	delete(w.folder.work, name)
	switch {
	case found.mode != mode:
		return fmt.Errorf("%q is of the mode %s, in the commit it is %s", name, found.mode, mode)
	case found.id == id:
	case !found.lfs.IsZero() && found.lfs == id:
		w.lfs++
	default:
		return fmt.Errorf("%q is not what the commit has: its content makes the blob %s instead of %s", name, found.id, id)
	}
	return nil
}
