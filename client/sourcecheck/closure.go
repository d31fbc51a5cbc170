package sourcecheck

// What a commit leads to.

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// checkClosure walks from a commit through its trees and parents, and fails
// where an object is missing or was not met. tags are the annotated tags that
// lead to the commit, cut the commits after which the history ends.
func (f *Folder) checkClosure(ctx context.Context, p *pack, from plumbing.Hash, tags []plumbing.Hash, cut map[plumbing.Hash]bool) error {
	c := &closure{folder: f, pack: p, seen: map[plumbing.Hash]bool{}}
	for _, tag := range tags {
		c.seen[tag] = true
	}
	visit := []plumbing.Hash{from}
	for len(visit) > 0 {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		id := visit[len(visit)-1]
		visit = visit[:len(visit)-1]
		if c.seen[id] {
			continue
		}
		parents, err := c.commit(ctx, id)
		if err != nil {
			return err
		}
		for _, parent := range parents {
			_, there := p.objects[parent]
			if there || !cut[id] {
				visit = append(visit, parent)
			}
		}
	}
	for id, o := range p.objects {
		if !c.seen[id] {
			return fmt.Errorf("the commit %s does not lead to the %s %s, which is there", from, o.kind, id)
		}
	}
	return nil
}

type closure struct {
	folder *Folder
	pack   *pack
	seen   map[plumbing.Hash]bool
}

// commit meets a commit with all its trees and blobs, and returns its parents.
func (c *closure) commit(ctx context.Context, id plumbing.Hash) ([]plumbing.Hash, error) {
	var commit gitobject.Commit
	if err := c.folder.decode(c.pack, id, plumbing.CommitObject, &commit); err != nil {
		return nil, err
	}
	c.seen[id] = true
	visit := []plumbing.Hash{commit.TreeHash}
	for len(visit) > 0 {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		tree := visit[len(visit)-1]
		visit = visit[:len(visit)-1]
		if c.seen[tree] {
			continue
		}
		below, err := c.tree(tree)
		if err != nil {
			return nil, err
		}
		visit = append(visit, below...)
	}
	return commit.ParentHashes, nil
}

// tree meets a tree with its blobs, and returns the trees in it.
func (c *closure) tree(id plumbing.Hash) (below []plumbing.Hash, err error) {
	entries, err := c.folder.tree(c.pack, id)
	if err != nil {
		return nil, err
	}
	c.seen[id] = true
	for _, entry := range entries {
		switch entry.mode {
		case filemode.Submodule:
		case filemode.Dir:
			below = append(below, entry.id)
		default:
			if _, err := c.pack.find(entry.id, plumbing.BlobObject); err != nil {
				return nil, fmt.Errorf("%q: %w", entry.name, err)
			}
			c.seen[entry.id] = true
		}
	}
	return below, nil
}

// decode reads a commit.
func (f *Folder) decode(p *pack, id plumbing.Hash, kind plumbing.ObjectType, into decoder) error {
	content, err := f.content(p, id, kind)
	if err != nil {
		return err
	}
	memory := &plumbing.MemoryObject{}
	memory.SetType(kind)
	memory.SetSize(int64(len(content)))
	if _, err := memory.Write(content); err != nil {
		return fmt.Errorf("%s %s: %w", kind, id, err)
	}
	if err := into.Decode(memory); err != nil {
		return fmt.Errorf("%s %s: %w", kind, id, err)
	}
	return nil
}

// decoder is implemented by all objects of go-git.
type decoder interface {
	Decode(plumbing.EncodedObject) error
}

// content reads an object that is kept: a commit, a tree or a tag.
func (f *Folder) content(p *pack, id plumbing.Hash, kind plumbing.ObjectType) ([]byte, error) {
	o, err := p.find(id, kind)
	if err != nil {
		return nil, err
	}
	return f.scratch.content(o)
}
