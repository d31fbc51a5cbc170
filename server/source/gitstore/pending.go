package gitstore

// Pending deltas: those that come before their base. Git's servers send none.

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// pendingDelta is a delta that came before its base.
type pendingDelta struct {
	entry       int           // of the delta itself
	base        plumbing.Hash // zero when the base is an entry
	baseEntry   int           // unresolved when base names it
	start, size int64         // of its instructions in the scratch file
}

// byBase is the order in which the deltas of one base are neighbours.
func (d pendingDelta) byBase(other pendingDelta) int {
	return cmp.Or(cmp.Compare(d.baseEntry, other.baseEntry), bytes.Compare(d.base[:], other.base[:]))
}

// resolvePending applies them when the whole pack is there. However they are
// ordered, each is looked at twice: here, and when its base has been made of
// another of them.
func (r *receiver) resolvePending(ctx context.Context) error {
	slices.SortFunc(r.pending, pendingDelta.byBase)
	left := len(r.pending)
	var bases []pendingDelta // what has been made, as the base that others name
	apply := func(delta pendingDelta, base int32) error {
		if r.entries[delta.entry].row != unresolved {
			return nil
		}
		known := len(r.store.table)
		if err := r.apply(ctx, delta.entry, base, r.spooled(delta)); err != nil {
			return fmt.Errorf("pack: %w", err)
		}
		left--
		bases = append(bases, pendingDelta{baseEntry: delta.entry})
		if row := r.entries[delta.entry].row; int(row) == known { // not the same as another
			bases = append(bases, pendingDelta{baseEntry: unresolved, base: r.store.table[row].id})
		}
		return nil
	}
	for _, delta := range r.pending {
		if base := r.baseOf(delta); base != unresolved {
			if err := apply(delta, base); err != nil {
				return err
			}
		}
	}
	for len(bases) > 0 {
		last := bases[len(bases)-1]
		bases = bases[:len(bases)-1]
		first, _ := slices.BinarySearchFunc(r.pending, last, pendingDelta.byBase)
		for _, delta := range r.pending[first:] {
			if delta.byBase(last) != 0 {
				break
			}
			if err := apply(delta, r.baseOf(last)); err != nil {
				return err
			}
		}
	}
	if left > 0 {
		return fmt.Errorf("pack: the bases of %d deltas are missing", left)
	}
	return nil
}
