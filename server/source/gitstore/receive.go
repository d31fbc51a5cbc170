package gitstore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/opensbs/sbs/server/progress"
)

// receiver turns a pack, read once from front to end, into whole objects.
// go-git's own parser reads a pack twice and holds objects and a cache of 96 MiB
// in memory.
type receiver struct {
	store   *Store
	limits  *Limits
	pack    *packReader
	delta   delta
	small   bytes.Buffer // the current delta, if it is small and its base is there
	spool   *os.File     // scratch file of the pending deltas, and after them of one large delta
	waiting int64        // end of the pending deltas in spool
	entries []packEntry
	pending []pendingDelta
}

// packEntry maps an offset of the pack, by which deltas name their base, to an
// object of the store. Entries are in the order of offsets.
type packEntry struct {
	offset int64
	row    int32 // of the object in the store; unresolved for a pending delta
}

const unresolved = -1

// smallDelta is the size in bytes up to which a delta stays in memory.
const smallDelta = 256 << 10

// Receive reads a pack to its end, verifies its checksum and returns a store of its
// objects. Its scratch files are made in root and are unlinked at once. The caller
// closes the store.
func Receive(ctx context.Context, pack io.Reader, root *os.Root, limits *Limits) (*Store, error) {
	store, err := newStore(root)
	if err != nil {
		return nil, err
	}
	if err := receiveInto(ctx, pack, store, root, limits); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// receiveInto adds the objects of a pack to a store.
func receiveInto(ctx context.Context, pack io.Reader, store *Store, root *os.Root, limits *Limits) (err error) {
	spool, err := unlinkedFile(root, "deltas")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	r := &receiver{store: store, limits: limits, pack: newPackReader(progress.WorkReader(ctx, pack)), spool: spool}
	count, err := r.pack.count()
	if err != nil {
		return fmt.Errorf("pack: %w", explainEnd(err))
	}
	if err := limits.Objects.Take(int64(count)); err != nil {
		return err
	}
	for range count {
		if err := r.next(ctx); err != nil {
			return fmt.Errorf("pack: %w", explainEnd(err))
		}
	}
	if err := r.pack.finish(); err != nil {
		return fmt.Errorf("pack: %w", explainEnd(err))
	}
	return r.resolvePending(ctx)
}

// explainEnd wraps the error of a pack that ends early with its cause and advice.
func explainEnd(err error) error {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.EPIPE, syscall.ECONNRESET} {
		if errors.Is(err, end) {
			return fmt.Errorf("the git host broke off before the end: see that it runs, and start the build again: %w", err)
		}
	}
	return err
}

func (r *receiver) next(ctx context.Context) error {
	header, err := r.pack.next()
	if err != nil {
		return err
	}
	r.entries = append(r.entries, packEntry{header.offset, unresolved})
	entry := len(r.entries) - 1
	switch header.kind {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
		if err := r.limits.Received.Take(header.size); err != nil {
			return err
		}
		r.entries[entry].row, err = r.store.add(header.kind, header.size, func(w io.Writer) error {
			return r.pack.content(w, header.size)
		})
		return err
	case plumbing.OFSDeltaObject, plumbing.REFDeltaObject:
		return r.nextDelta(ctx, entry, header)
	}
	return fmt.Errorf("object of type %d", header.kind)
}

// nextDelta stores the object that a delta makes of its base, or spools the delta
// until its base is there.
func (r *receiver) nextDelta(ctx context.Context, entry int, header entryHeader) error {
	if err := r.limits.Received.check(header.size); err != nil {
		return err
	}
	delta := pendingDelta{entry: entry, base: header.base, baseEntry: unresolved, start: r.waiting, size: header.size}
	if header.kind == plumbing.OFSDeltaObject {
		i := sort.Search(entry, func(i int) bool { return r.entries[i].offset >= header.baseOffset })
		if i == entry || r.entries[i].offset != header.baseOffset {
			return errors.New("a delta names a base that does not exist")
		}
		delta.baseEntry = i
	}
	base := r.baseOf(delta)
	if base != unresolved && header.size <= smallDelta {
		r.small.Reset()
		if err := r.pack.content(&r.small, header.size); err != nil {
			return err
		}
		return r.apply(ctx, delta.entry, base, bytes.NewReader(r.small.Bytes()))
	}
	spooled := bufio.NewWriter(io.NewOffsetWriter(r.spool, r.waiting))
	if err := r.pack.content(spooled, header.size); err != nil {
		return err
	}
	if err := spooled.Flush(); err != nil {
		return fmt.Errorf("scratch file: %w", err)
	}
	if base != unresolved {
		return r.apply(ctx, delta.entry, base, r.spooled(delta))
	}
	if err := r.limits.Received.Take(header.size); err != nil {
		return err
	}
	r.waiting += header.size
	r.pending = append(r.pending, delta)
	return nil
}

func (r *receiver) spooled(delta pendingDelta) io.Reader {
	return io.NewSectionReader(r.spool, delta.start, delta.size)
}

func (r *receiver) baseOf(delta pendingDelta) int32 {
	if delta.baseEntry != unresolved {
		return r.entries[delta.baseEntry].row
	}
	if row, ok := r.store.byID[delta.base]; ok {
		return row
	}
	return unresolved
}

// apply stores the object that the delta at entry makes of its base.
func (r *receiver) apply(ctx context.Context, entry int, base int32, instructions io.Reader) (err error) {
	content, err := r.store.at(base)
	if err != nil {
		return err
	}
	if err := r.delta.start(content, progress.WorkReader(ctx, instructions)); err != nil {
		return err
	}
	if err := r.limits.Received.Take(r.delta.size); err != nil {
		return err
	}
	r.entries[entry].row, err = r.store.add(r.store.table[base].kind, r.delta.size, r.delta.writeTo)
	return err
}
