package source

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// closure is what belongs to a commit: the objects to keep, and the commits at
// which history was cut.
type closure struct {
	keep    []bool // by place in the store
	shallow []plumbing.Hash
	entries []gitobject.TreeEntry // of the tree at hand: memory that is used again
}

// closureOf walks from a commit as deep as asked (0: all of it). A server may
// have sent more, or other commits; what it sent less of is an error, but for
// the parents of the commits it said it was cut at itself.
func closureOf(ctx context.Context, store *objects, commit plumbing.Hash, depth int, cut map[plumbing.Hash]bool) (*closure, error) {
	c := &closure{keep: make([]bool, len(store.table))}
	trees, err := c.commits(ctx, store, commit, depth, cut)
	if err != nil {
		return nil, err
	}
	for len(trees) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		place := trees[len(trees)-1]
		trees = trees[:len(trees)-1]
		if c.keep[place] {
			continue
		}
		c.keep[place] = true
		if trees, err = c.tree(store, place, trees); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// commits keeps the commits, breadth first, and returns their trees.
func (c *closure) commits(ctx context.Context, store *objects, first plumbing.Hash, depth int, cut map[plumbing.Hash]bool) ([]int32, error) {
	type parents struct {
		of  plumbing.Hash
		ids []plumbing.Hash
	}
	var trees []int32
	var last []parents // of the commits at the end of the depth
	level := []plumbing.Hash{first}
	for generation := 1; len(level) > 0; generation++ {
		var next []plumbing.Hash
		for _, id := range level {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			place, err := store.find(id, plumbing.CommitObject)
			if err != nil {
				return nil, err
			}
			if c.keep[place] {
				continue
			}
			c.keep[place] = true
			var commit gitobject.Commit
			if err := store.decode(place, &commit); err != nil {
				return nil, err
			}
			tree, err := store.find(commit.TreeHash, plumbing.TreeObject)
			if err != nil {
				return nil, err
			}
			trees = append(trees, tree)
			if generation == depth || cut[id] {
				last = append(last, parents{id, commit.ParentHashes})
			} else {
				next = append(next, commit.ParentHashes...)
			}
		}
		level = next
	}
	for _, p := range last {
		if slices.ContainsFunc(p.ids, func(id plumbing.Hash) bool { return !c.has(store, id) }) {
			c.shallow = append(c.shallow, p.of)
		}
	}
	return trees, nil
}

func (c *closure) has(store *objects, id plumbing.Hash) bool {
	place, ok := store.byID[id]
	return ok && c.keep[place]
}

// tree keeps the blobs of a tree and adds its trees to those still to visit.
func (c *closure) tree(store *objects, place int32, visit []int32) ([]int32, error) {
	var err error
	if c.entries, err = readTree(store, place, c.entries[:0]); err != nil {
		return nil, err
	}
	for _, entry := range c.entries {
		switch entry.Mode {
		case filemode.Submodule:
		case filemode.Dir:
			tree, err := store.find(entry.Hash, plumbing.TreeObject)
			if err != nil {
				return nil, err
			}
			visit = append(visit, tree)
		default:
			blob, err := store.find(entry.Hash, plumbing.BlobObject)
			if err != nil {
				return nil, err
			}
			c.keep[blob] = true
		}
	}
	return visit, nil
}

// commitOf follows annotated tags to the commit they stand for, and returns the
// places of those tags too.
func commitOf(store *objects, id plumbing.Hash) (commit plumbing.Hash, tags []int32, err error) {
	for range maxTagChain {
		place, ok := store.byID[id]
		if !ok {
			return id, nil, &MissingObjectError{ID: id.String(), Kind: "object"}
		}
		switch kind := store.table[place].kind; kind {
		case plumbing.CommitObject:
			return id, tags, nil
		case plumbing.TagObject:
			var tag gitobject.Tag
			if err := store.decode(place, &tag); err != nil {
				return id, nil, err
			}
			tags = append(tags, place)
			id = tag.Target
		default:
			return id, nil, fmt.Errorf("it is a %s, not a commit", kind)
		}
	}
	return id, nil, errors.New("it is a tag of a tag of a tag, without end")
}
