package gitstore

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

func testStore(t *testing.T) (*Store, *os.Root) {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store, err := newStore(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(store.Close(), root.Close()); err != nil {
			t.Error(err)
		}
	})
	return store, root
}

func addBlob(t *testing.T, store *Store, content string) int32 {
	t.Helper()
	row, err := store.add(plumbing.BlobObject, int64(len(content)), func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func TestPackRoundTrip(t *testing.T) {
	store, root := testStore(t)
	var want []string
	for _, size := range []int{0, 1, 15, 16, 2047, 2048, maxStored - 1, maxStored, maxStored + 1, 2 * maxStored, 300_000} {
		content := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		want = append(want, content)
		addBlob(t, store, content)
	}
	keep := make([]bool, len(store.table))
	for i := range keep {
		keep[i] = true
	}
	var pack bytes.Buffer
	sum, index, err := packInto(t.Context(), &pack, store, store.sorted(keep))
	if err != nil {
		t.Fatal(err)
	}
	again, _ := testStore(t)
	if err := receiveInto(t.Context(), bytes.NewReader(pack.Bytes()), again, root, NewLimits(1, 100, 1<<30)); err != nil {
		t.Fatal(err)
	}
	for _, content := range want {
		id := plumbing.ComputeHash(plumbing.BlobObject, []byte(content))
		row, err := again.find(id, plumbing.BlobObject)
		if err != nil {
			t.Fatal(err)
		}
		reader, err := again.at(row)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(reader); err != nil || string(got) != content {
			t.Errorf("%d bytes came back as %d, %v", len(content), len(got), err)
		}
	}
	// The index, and go-git's reader of packs, agree.
	observed := &idxfile.Writer{}
	parser, err := packfile.NewParser(packfile.NewScanner(bytes.NewReader(pack.Bytes())), observed)
	if err != nil {
		t.Fatal(err)
	}
	checksum, err := parser.Parse()
	if err != nil || checksum != sum {
		t.Fatalf("checksum %s, want %s, %v", checksum, sum, err)
	}
	parsed, err := observed.Index()
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs bytes.Buffer
	for to, from := range map[*bytes.Buffer]*idxfile.MemoryIndex{&ours: index, &theirs: parsed} {
		if _, err := idxfile.NewEncoder(to).Encode(from); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(ours.Bytes(), theirs.Bytes()) {
		t.Error("the indexes differ")
	}
}

// The bytes of a pack are what signatures cover: they never change.
func TestPackGolden(t *testing.T) {
	store, _ := testStore(t)
	addBlob(t, store, "hello\n")
	addBlob(t, store, "")
	var pack bytes.Buffer
	if _, _, err := packInto(t.Context(), &pack, store, store.sorted([]bool{true, true})); err != nil {
		t.Fatal(err)
	}
	want := []byte("PACK\x00\x00\x00\x02\x00\x00\x00\x02" +
		"\x36\x78\x01\x01\x06\x00\xf9\xffhello\n\x08\x4b\x02\x1f" + // ce013625...
		"\x30\x78\x01\x01\x00\x00\xff\xff\x00\x00\x00\x01") // e69de29b...
	sum := sha1.Sum(want)
	if want = append(want, sum[:]...); !bytes.Equal(pack.Bytes(), want) {
		t.Errorf("got\n%x\nwant\n%x", pack.Bytes(), want)
	}
}

// rawPack builds a pack of entries that are already in pack form.
func rawPack(entries ...[]byte) []byte {
	pack := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(entries)))
	for _, entry := range entries {
		pack = append(pack, entry...)
	}
	sum := sha1.Sum(pack)
	return append(pack, sum[:]...)
}

// packed is one entry: header, base of a delta, stored content.
func packed(t *testing.T, kind plumbing.ObjectType, base, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	p, err := newPackWriter(io.Discard, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.out.Flush(); err != nil {
		t.Fatal(err)
	}
	p.out.Reset(&out)
	if err := p.stored(t.Context(), int64(len(content)), strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	if err := p.out.Flush(); err != nil {
		t.Fatal(err)
	}
	entry := append(objectHeader(kind, int64(len(content))), base...)
	return append(append(entry, 0x78, 0x01), out.Bytes()...)
}

func TestReceiveDeltas(t *testing.T) {
	base, result := "hello world", "world, hello"
	instructions := "\x0b\x0c" + "\x91\x06\x05" + "\x02, " + "\x90\x05"
	id := plumbing.ComputeHash(plumbing.BlobObject, []byte(base))
	whole := packed(t, plumbing.BlobObject, "", base)
	byID := packed(t, plumbing.REFDeltaObject, string(id[:]), instructions)
	for name, test := range map[string]struct {
		pack []byte
		ok   bool
	}{
		"after the base":  {rawPack(whole, byID), true},
		"before the base": {rawPack(byID, whole), true},
		"by offset":       {rawPack(whole, packed(t, plumbing.OFSDeltaObject, string(rune(len(whole))), instructions)), true},
		"by offset of a delta that waits": {rawPack(byID,
			packed(t, plumbing.OFSDeltaObject, string(rune(len(byID))), "\x0c\x02\x02ok"), whole), true},
		"without base":                 {rawPack(byID), false},
		"offset of nothing":            {rawPack(whole, packed(t, plumbing.OFSDeltaObject, string(rune(len(whole)-1)), instructions)), false},
		"wrong base size":              {rawPack(whole, packed(t, plumbing.REFDeltaObject, string(id[:]), "\x0a\x05\x90\x05")), false},
		"beyond the base":              {rawPack(whole, packed(t, plumbing.REFDeltaObject, string(id[:]), "\x0b\x05\x91\x09\x05")), false},
		"more than its size":           {rawPack(whole, packed(t, plumbing.REFDeltaObject, string(id[:]), "\x0b\x04\x90\x05")), false},
		"less than its size":           {rawPack(whole, packed(t, plumbing.REFDeltaObject, string(id[:]), "\x0b\x06\x90\x05")), false},
		"goes on":                      {rawPack(whole, packed(t, plumbing.REFDeltaObject, string(id[:]), "\x0b\x05\x90\x05\x01x")), false},
		"reserved":                     {rawPack(whole, packed(t, plumbing.REFDeltaObject, string(id[:]), "\x0b\x05\x00")), false},
		"cut":                          {rawPack(whole, byID)[:60], false},
		"after its end":                {append(rawPack(whole, byID), 'x'), false},
		"longer than its header":       {rawPack(whole, append([]byte{0x30 | byte(len(base)-1)}, whole[1:]...), byID), false},
		"shorter than its header":      {rawPack(whole, append([]byte{0x30 | byte(len(base)+1)}, whole[1:]...), byID), false},
		"delta longer than its header": {rawPack(whole, append([]byte{byID[0] - 1}, byID[1:]...)), false},
		"checksum":                     {append(rawPack(whole, byID)[:len(rawPack(whole, byID))-1], 0), false},
		"huge":                         {rawPack(whole, packed(t, plumbing.REFDeltaObject, string(id[:]), "\x0b\xff\xff\xff\xff\xff\x3f\x90\x05")), false},
	} {
		t.Run(name, func(t *testing.T) {
			store, root := testStore(t)
			err := receiveInto(t.Context(), bytes.NewReader(test.pack), store, root, NewLimits(1, 100, 1<<20))
			if (err == nil) != test.ok {
				t.Fatalf("got %v", err)
			}
			if !test.ok {
				return
			}
			if _, err := store.find(plumbing.ComputeHash(plumbing.BlobObject, []byte(result)), plumbing.BlobObject); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whatever comes over the wire, receive returns, and keeps within its bounds.
func FuzzReceive(f *testing.F) {
	f.Add(rawPack())
	f.Add([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x01\x36\x78\x01\x01\x06\x00\xf9\xffhello\n\x08\x4b\x02\x1f"))
	root, err := os.OpenRoot(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, pack []byte) {
		store, err := newStore(root)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		// The checksum is made right, or little else would be reached.
		if len(pack) > 12 {
			sum := sha1.Sum(pack)
			pack = append(bytes.Clone(pack), sum[:]...)
		}
		left := NewLimits(1, 1000, 1<<16)
		if err := receiveInto(context.Background(), bytes.NewReader(pack), store, root, left); err == nil && store.end > 1<<16 {
			t.Errorf("%d bytes stored", store.end)
		}
	})
}

func TestReceiveBounds(t *testing.T) {
	var entries [][]byte
	for i := range 20 {
		entries = append(entries, packed(t, plumbing.BlobObject, "", fmt.Sprint(i)))
	}
	for name, left := range map[string]*Limits{
		"Git objects":      NewLimits(1, 19, 1000),
		"bytes of content": NewLimits(1, 20, 29),
	} {
		store, root := testStore(t)
		err := receiveInto(t.Context(), bytes.NewReader(rawPack(entries...)), store, root, left)
		var limit *LimitError
		if !errors.As(err, &limit) || limit.What != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReceiveEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	store, root := testStore(t)
	err := receiveInto(ctx, bytes.NewReader(rawPack(packed(t, plumbing.BlobObject, "", "x"))), store, root, NewLimits(1, 100, 100))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
