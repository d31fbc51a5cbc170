package commit

// The files beside the Git folder, against the tree of the commit.

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// worktree compares one work tree. What it has met it takes out of the folder,
// so that in the end nothing may be left.
type worktree struct {
	folder  *Folder
	pack    *pack
	files   int
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
	var tree gitobject.Tree
	if err := w.folder.decode(w.pack, id, plumbing.TreeObject, &tree); err != nil {
		return err
	}
	for _, entry := range tree.Entries {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		name := prefix + entry.Name
		if err := w.entry(base+name, entry); err != nil {
			return err
		}
		switch entry.Mode {
		case filemode.Dir:
			if err := w.tree(ctx, entry.Hash, base, name+"/", depth+1); err != nil {
				return err
			}
			continue
		case filemode.Submodule:
			w.modules = append(w.modules, Submodule{Path: base + name, Commit: entry.Hash.String()})
		default:
			w.files++
		}
		w.listed = append(w.listed, listing{name, entry.Hash, entry.Mode})
	}
	return nil
}

// entry compares one thing with what the tree says of it.
func (w *worktree) entry(name string, want gitobject.TreeEntry) error {
	found, ok := w.folder.work[name]
	if !ok {
		return fmt.Errorf("%q is in the commit, but not among the files", name)
	}
	delete(w.folder.work, name)
	mode, id := want.Mode, want.Hash
	switch mode {
	case filemode.Submodule, filemode.Dir:
		mode, id = filemode.Dir, plumbing.ZeroHash // a folder, whose content is compared on its own
	case filemode.Deprecated:
		mode = filemode.Regular
	}
	switch {
	case found.mode != mode:
		return fmt.Errorf("%q is of the mode %s, in the commit it is %s", name, found.mode, mode)
	case found.id != id:
		return fmt.Errorf("%q is not what the commit has: its content makes the blob %s instead of %s", name, found.id, id)
	}
	return nil
}
