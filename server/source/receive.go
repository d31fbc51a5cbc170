package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// receiver turns a pack, as it comes over the wire, into whole objects.
// go-git's own parser reads a pack twice and holds objects and a cache of 96 MiB
// in memory; its scanner, used here, streams.
type receiver struct {
	store   *objects
	left    *limits
	scanner *packfile.Scanner
	spool   *os.File // the delta at hand, and before it those that wait
	waiting int64    // end of the deltas that wait in spool
	entries []packEntry
	pending []pendingDelta
}

// packEntry says where the object at an offset of the pack is: deltas name
// their base by that offset. Entries are in the order of offsets.
type packEntry struct {
	offset int64
	place  int32 // in the store; unresolved for a delta whose base has not come
}

const unresolved = -1

// maxDeltaRounds is Git's bound on deltas of deltas (pack-objects.h, OE_DEPTH_BITS).
const maxDeltaRounds = 4095

// pendingDelta is a delta that came before its base.
type pendingDelta struct {
	entry       int // of the delta itself
	base        plumbing.Hash
	baseEntry   int // used when base is zero
	start, size int64
}

// receive reads the pack to its end, checks its checksum and stores its objects.
func receive(ctx context.Context, pack io.Reader, store *objects, root *os.Root, left *limits) (err error) {
	spool, err := nameless(root, "deltas")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	r := &receiver{store: store, left: left, scanner: packfile.NewScanner(pack), spool: spool}
	_, count, err := r.scanner.Header()
	if err != nil {
		return fmt.Errorf("pack: %w", brokenOff(err))
	}
	if err := left.objects.take(int64(count)); err != nil {
		return err
	}
	for range count {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.next(); err != nil {
			return fmt.Errorf("pack: %w", brokenOff(err))
		}
	}
	if _, err := r.scanner.Checksum(); err != nil {
		return fmt.Errorf("pack: %w", brokenOff(err))
	}
	return r.resolvePending(ctx)
}

// brokenOff says what the end of a pack before its end means.
func brokenOff(err error) error {
	for _, end := range []error{packfile.ErrEmptyPackfile, io.EOF, io.ErrUnexpectedEOF, syscall.EPIPE, syscall.ECONNRESET} {
		if errors.Is(err, end) {
			return fmt.Errorf("the git host broke off before the end: see that it runs, and start the build again: %w", err)
		}
	}
	return err
}

func (r *receiver) next() error {
	header, err := r.scanner.NextObjectHeader()
	if err != nil {
		return err
	}
	r.entries = append(r.entries, packEntry{header.Offset, unresolved})
	entry := len(r.entries) - 1
	switch header.Type {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
		if err := r.left.received.take(header.Length); err != nil {
			return err
		}
		r.entries[entry].place, err = r.store.add(header.Type, header.Length, func(w io.Writer) error {
			_, _, err := r.scanner.NextObject(w)
			return err
		})
		return err
	case plumbing.OFSDeltaObject, plumbing.REFDeltaObject:
		return r.nextDelta(entry, header)
	}
	return fmt.Errorf("object of type %d", header.Type)
}

// nextDelta stores what a delta makes of its base, or puts it by.
func (r *receiver) nextDelta(entry int, header *packfile.ObjectHeader) error {
	if header.Length > r.left.received.left {
		return &LimitError{What: r.left.received.what, Limit: r.left.received.limit}
	}
	delta := pendingDelta{entry: entry, base: header.Reference, baseEntry: unresolved, start: r.waiting, size: header.Length}
	if header.Type == plumbing.OFSDeltaObject {
		i := sort.Search(entry, func(i int) bool { return r.entries[i].offset >= header.OffsetReference })
		if i == entry || r.entries[i].offset != header.OffsetReference {
			return errors.New("a delta names a base that does not exist")
		}
		delta.baseEntry = i
	}
	spooled := bufio.NewWriter(io.NewOffsetWriter(r.spool, r.waiting))
	n, _, err := r.scanner.NextObject(spooled)
	if err != nil {
		return err
	}
	if n != header.Length {
		return fmt.Errorf("delta has %d bytes, its header says %d", n, header.Length)
	}
	if err := spooled.Flush(); err != nil {
		return fmt.Errorf("scratch file: %w", err)
	}
	if base := r.baseOf(delta); base != unresolved {
		return r.apply(delta, base)
	}
	if err := r.left.received.take(header.Length); err != nil {
		return err
	}
	r.waiting += header.Length
	r.pending = append(r.pending, delta)
	return nil
}

func (r *receiver) baseOf(delta pendingDelta) int32 {
	if delta.baseEntry != unresolved {
		return r.entries[delta.baseEntry].place
	}
	if place, ok := r.store.byID[delta.base]; ok {
		return place
	}
	return unresolved
}

func (r *receiver) apply(delta pendingDelta, base int32) (err error) {
	content, err := r.store.at(base)
	if err != nil {
		return err
	}
	instructions := bufio.NewReader(io.NewSectionReader(r.spool, delta.start, delta.size))
	d, err := newDelta(content, instructions)
	if err != nil {
		return err
	}
	if err := r.left.received.take(d.size); err != nil {
		return err
	}
	r.entries[delta.entry].place, err = r.store.add(r.store.table[base].kind, d.size, d.writeTo)
	return err
}

// resolvePending applies the deltas that came before their base. Git's servers
// send none; the rounds end when one has brought nothing new.
func (r *receiver) resolvePending(ctx context.Context) error {
	for round := 0; len(r.pending) > 0; round++ {
		var still []pendingDelta
		for _, delta := range r.pending {
			if err := ctx.Err(); err != nil {
				return err
			}
			base := r.baseOf(delta)
			if base == unresolved {
				still = append(still, delta)
				continue
			}
			if err := r.apply(delta, base); err != nil {
				return fmt.Errorf("pack: %w", err)
			}
		}
		if len(still) == len(r.pending) || round == maxDeltaRounds {
			return fmt.Errorf("pack: the bases of %d deltas are missing", len(still))
		}
		r.pending = still
	}
	return nil
}
