package source

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

// receiver turns a pack, as it comes over the wire, into whole objects.
// go-git's own parser reads a pack twice and holds objects and a cache of 96 MiB
// in memory.
type receiver struct {
	store   *objects
	left    *limits
	pack    *packReader
	delta   delta
	small   bytes.Buffer // the delta at hand, if it is small and has its base
	spool   *os.File     // or else that delta, and before it those that wait
	waiting int64        // end of the deltas that wait in spool
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

// smallDelta is the size in bytes up to which a delta stays in memory.
const smallDelta = 256 << 10

// receive reads the pack to its end, checks its checksum and stores its objects.
func receive(ctx context.Context, pack io.Reader, store *objects, root *os.Root, left *limits) (err error) {
	spool, err := nameless(root, "deltas")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	r := &receiver{store: store, left: left, pack: newPackReader(whileLasts{ctx, pack}), spool: spool}
	count, err := r.pack.count()
	if err != nil {
		return fmt.Errorf("pack: %w", brokenOff(err))
	}
	if err := left.objects.take(int64(count)); err != nil {
		return err
	}
	for range count {
		if err := r.next(ctx); err != nil {
			return fmt.Errorf("pack: %w", brokenOff(err))
		}
	}
	if err := r.pack.finish(); err != nil {
		return fmt.Errorf("pack: %w", brokenOff(err))
	}
	return r.resolvePending(ctx)
}

// whileLasts reads until a context ends, as little that was received can be much
// work, and reports that work as progress: it is not the server that is waited for.
type whileLasts struct {
	ctx  context.Context //nolint:containedctx // a reader is handed to what knows none
	from io.Reader
}

func (w whileLasts) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	progress.Report(w.ctx)
	return w.from.Read(p)
}

// brokenOff says what the end of a pack before its end means.
func brokenOff(err error) error {
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
		if err := r.left.received.take(header.size); err != nil {
			return err
		}
		r.entries[entry].place, err = r.store.add(header.kind, header.size, func(w io.Writer) error {
			return r.pack.content(w, header.size)
		})
		return err
	case plumbing.OFSDeltaObject, plumbing.REFDeltaObject:
		return r.nextDelta(ctx, entry, header)
	}
	return fmt.Errorf("object of type %d", header.kind)
}

// nextDelta stores what a delta makes of its base, or puts it by.
func (r *receiver) nextDelta(ctx context.Context, entry int, header entryHeader) error {
	if header.size > r.left.received.left {
		return &LimitError{What: r.left.received.what, Limit: r.left.received.limit}
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
	if err := r.left.received.take(header.size); err != nil {
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
		return r.entries[delta.baseEntry].place
	}
	if place, ok := r.store.byID[delta.base]; ok {
		return place
	}
	return unresolved
}

// apply stores the object that an entry makes of its base.
func (r *receiver) apply(ctx context.Context, entry int, base int32, instructions io.Reader) (err error) {
	content, err := r.store.at(base)
	if err != nil {
		return err
	}
	if err := r.delta.start(content, whileLasts{ctx, instructions}); err != nil {
		return err
	}
	if err := r.left.received.take(r.delta.size); err != nil {
		return err
	}
	r.entries[entry].place, err = r.store.add(r.store.table[base].kind, r.delta.size, r.delta.writeTo)
	return err
}
