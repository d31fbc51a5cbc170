package gitstore

// Packs that are more than they seem. No git server sends them; they are put
// together here.

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// deflated is the zlib stream of a megabyte of zeros, n times.
func deflated(t *testing.T, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	for range n {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// doubling is a pack of deltas of which each makes its base n times.
func doubling(t *testing.T, n, deltas int) []byte {
	t.Helper()
	content := strings.Repeat("x", 1<<16)
	entries := [][]byte{packed(t, plumbing.BlobObject, "", content)}
	size := uint64(len(content))
	for range deltas {
		id := plumbing.ComputeHash(plumbing.BlobObject, []byte(content))
		instructions := binary.AppendUvarint(binary.AppendUvarint(nil, size), size*uint64(n))
		for range n {
			// The whole base: 64 KiB at most for each instruction.
			for at := uint64(0); at < size; at += 1 << 16 {
				instructions = append(instructions, 0x8f, byte(at), byte(at>>8), byte(at>>16), byte(at>>24))
			}
		}
		entries = append(entries, packed(t, plumbing.REFDeltaObject, string(id[:]), string(instructions)))
		size *= uint64(n)
		if size <= 1<<24 { // larger ones come to nothing
			content = strings.Repeat("x", int(size))
		}
	}
	return rawPack(entries...)
}

// chain is a pack of deltas of deltas, the last one first if it is reversed.
func chain(t *testing.T, deltas int, reversed bool) []byte {
	t.Helper()
	return rawPack(chained(t, deltas, reversed)...)
}

func chained(t *testing.T, deltas int, reversed bool) (entries [][]byte) {
	t.Helper()
	content := strings.Repeat("x", 20)
	entries = append(entries, packed(t, plumbing.BlobObject, "", content))
	for i := range deltas {
		id := plumbing.ComputeHash(plumbing.BlobObject, []byte(content))
		next := binary.BigEndian.AppendUint32([]byte(content[:16]), uint32(i))
		entries = append(entries, packed(t, plumbing.REFDeltaObject, string(id[:]), "\x14\x14\x90\x10\x04"+string(next[16:])))
		content = string(next)
	}
	if reversed {
		slices.Reverse(entries)
	}
	return entries
}

// endsSoon is a context that ends when it has been asked so many times.
type endsSoon struct {
	context.Context
	left int
}

func (e *endsSoon) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}

// One delta can be much work for what was received, and ends with the context.
func TestDeltaEndsWithContext(t *testing.T) {
	content := strings.Repeat("x", smallBase+1)
	id := plumbing.ComputeHash(plumbing.BlobObject, []byte(content))
	const copies = 1 << 20
	instructions := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(content))), copies)
	instructions = append(instructions, bytes.Repeat([]byte{0x90, 1}, copies)...) // one byte of the base each
	pack := rawPack(packed(t, plumbing.BlobObject, "", content), packed(t, plumbing.REFDeltaObject, string(id[:]), string(instructions)))
	for _, test := range []struct {
		asked int
		want  error
	}{{50, context.Canceled}, {1 << 30, nil}} {
		store, root := testStore(t)
		err := receiveInto(&endsSoon{t.Context(), test.asked}, bytes.NewReader(pack), store, root, NewLimits(1, 2, 8<<20))
		if !errors.Is(err, test.want) {
			t.Errorf("asked %d times: %v", test.asked, err)
		}
	}
}

// What a pack unfolds to is bounded before it is written.
func TestPackBombs(t *testing.T) {
	const most = 8 << 20 // bytes
	head := func(count uint32) []byte { return binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), count) }
	headed := func(size int64, stream []byte) []byte {
		return rawPack(append(objectHeader(plumbing.BlobObject, size), stream...))
	}
	reference := func(size int64, stream []byte) []byte {
		entry := append(objectHeader(plumbing.REFDeltaObject, size), make([]byte, 20)...)
		return rawPack(append(entry, stream...))
	}
	stream := deflated(t, 64)
	isLimit := func(err error) bool { var limit *LimitError; return errors.As(err, &limit) }
	tooLong := func(err error) bool { return err != nil && strings.Contains(err.Error(), "of its header") }
	for name, test := range map[string]struct {
		pack []byte
		want func(error) bool
	}{
		"four billion objects":               {append(head(1<<32-1), make([]byte, 20)...), isLimit},
		"object of 32 PiB":                   {headed(1<<55, stream), isLimit},
		"object larger than its header":      {headed(10, stream), tooLong},
		"delta larger than its header":       {reference(10, stream), tooLong},
		"delta of 32 PiB":                    {reference(1<<55, stream), isLimit},
		"object smaller than its header":     {headed(1<<20, deflated(t, 0)), func(err error) bool { return err != nil }},
		"deltas that grow":                   {doubling(t, 16, 3), isLimit},
		"long chain":                         {chain(t, 20_000, false), func(err error) bool { return err == nil }},
		"long chain, the last one first":     {chain(t, 20_000, true), func(err error) bool { return err == nil }},
		"twice the same, the last one first": {rawPack(append(chained(t, 100, true), chained(t, 100, true)...)...), func(err error) bool { return err == nil }},
		"chain without its first": {rawPack(chained(t, 20_000, true)[:20_000]...), func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "the bases of 20000 deltas are missing")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			store, root := testStore(t)
			err := receiveInto(t.Context(), bytes.NewReader(test.pack), store, root, NewLimits(1, 50_000, most))
			if !test.want(err) {
				t.Errorf("got %v", err)
			}
			if store.end > most {
				t.Errorf("%d bytes were written", store.end)
			}
		})
	}
}
