package gitstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// Closure is the set of objects that belong to a commit, to a depth.
type Closure struct {
	Shallow []plumbing.Hash // commits at which history was cut: a parent is not in the set

	keep    []bool                // by row of the store
	entries []gitobject.TreeEntry // of the current tree; reused
}

// ClosureOf walks from a commit to a depth (0 is all of the history). The store may
// hold more. An object that is missing is a [MissingObjectError], except the parents
// of the commits in cut, at which the server cut the history.
func ClosureOf(ctx context.Context, store *Store, commit plumbing.Hash, depth int, cut map[plumbing.Hash]bool) (*Closure, error) {
	c := &Closure{keep: make([]bool, len(store.table))}
	trees, err := c.commits(ctx, store, commit, depth, cut)
	if err != nil {
		return nil, err
	}
	for len(trees) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		row := trees[len(trees)-1]
		trees = trees[:len(trees)-1]
		if c.keep[row] {
			continue
		}
		c.keep[row] = true
		if trees, err = c.tree(store, row, trees); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// commits keeps the commits, breadth first, and returns their trees.
func (c *Closure) commits(ctx context.Context, store *Store, first plumbing.Hash, depth int, cut map[plumbing.Hash]bool) ([]int32, error) {
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
			row, err := store.find(id, plumbing.CommitObject)
			if err != nil {
				return nil, err
			}
			if c.keep[row] {
				continue
			}
			c.keep[row] = true
			var commit gitobject.Commit
			if err := store.decode(row, &commit); err != nil {
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
			c.Shallow = append(c.Shallow, p.of)
		}
	}
	return trees, nil
}

func (c *Closure) has(store *Store, id plumbing.Hash) bool {
	row, ok := store.byID[id]
	return ok && c.keep[row]
}

// tree keeps the blobs of a tree and adds its trees to those still to visit.
func (c *Closure) tree(store *Store, row int32, visit []int32) ([]int32, error) {
	var err error
	if c.entries, err = readTree(store, row, c.entries[:0]); err != nil {
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

// Keep adds annotated tags that [Store.Peel] returned.
func (c *Closure) Keep(tags []int32) {
	for _, row := range tags {
		c.keep[row] = true
	}
}

// Peel follows annotated tags to the commit that they point to, and returns the
// tags that lead to it too, for [Closure.Keep].
func (s *Store) Peel(id plumbing.Hash) (commit plumbing.Hash, tags []int32, err error) {
	for range maxTagChain {
		row, ok := s.byID[id]
		if !ok {
			return id, nil, &MissingObjectError{ID: id.String(), Kind: "object"}
		}
		switch kind := s.table[row].kind; kind {
		case plumbing.CommitObject:
			return id, tags, nil
		case plumbing.TagObject:
			var tag gitobject.Tag
			if err := s.decode(row, &tag); err != nil {
				return id, nil, err
			}
			tags = append(tags, row)
			id = tag.Target
		default:
			return id, nil, fmt.Errorf("it is a %s, not a commit", kind)
		}
	}
	return id, nil, errors.New("it is a tag of a tag of a tag, without end")
}
