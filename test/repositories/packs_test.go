//go:build stack

package repositories

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

// zeros returns the zlib stream of n MiB of zeros, which repeats the blocks of one MiB
// (RFC 1950, 1951).
func zeros(t *testing.T, n int) []byte {
	t.Helper()
	var block bytes.Buffer
	w, err := flate.NewWriter(&block, flate.BestCompression)
	if err == nil {
		_, err = w.Write(make([]byte, 1<<20))
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	stream := append([]byte{0x78, 0x9c}, bytes.Repeat(block.Bytes(), n)...)
	stream = append(stream, 0x01, 0x00, 0x00, 0xff, 0xff)
	return binary.BigEndian.AppendUint32(stream, uint32(uint64(n)<<20%65521)<<16|1)
}

// deflated returns the zlib stream of a text.
func deflated(t *testing.T, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	out.Write([]byte{0x78, 0x9c})
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	a, b := uint32(1), uint32(0)
	for _, c := range text {
		a = (a + uint32(c)) % 65521
		b = (b + a) % 65521
	}
	return binary.BigEndian.AppendUint32(out.Bytes(), b<<16|a)
}

// growing returns a blob of zeros and deltas, each of which repeats its base many times.
func growing(t *testing.T) []gitserver.Packed {
	t.Helper()
	id := func(n int) string { return fmt.Sprintf("%040x", 0xb0+n) }
	objects := []gitserver.Packed{{ID: id(0), Kind: plumbing.BlobObject, Size: 1 << 20, Stream: zeros(t, 1)}}
	size := uint64(1 << 20)
	for n, copied := range []uint64{1 << 20, 1 << 23, 1 << 23} {
		times := uint64(32) << (5 * n) // 32 MiB, 8 GiB, and more
		header := binary.AppendUvarint(binary.AppendUvarint(nil, size), copied*times)
		size = copied * times
		// Each copies that many bytes from the beginning of the base.
		instructions := append(header, bytes.Repeat([]byte{0xc0, byte(copied >> 16)}, int(times))...)
		objects = append(objects, gitserver.Packed{ID: id(n + 1), Kind: plumbing.REFDeltaObject, Base: id(n), Size: int64(len(instructions)), Stream: deflated(t, instructions)})
	}
	return objects
}

// A pack of a few megabytes that expands to gigabytes is refused, within bounds of disk
// and memory. The Git server sends the packs unchanged, with wrong object ids too.
func TestPacks(t *testing.T) {
	env := shared
	const id = "00000000000000000000000000000000000000b1"
	blob := func(size int64, mebibytes int) []gitserver.Packed {
		return []gitserver.Packed{{ID: id, Kind: plumbing.BlobObject, Size: size, Stream: zeros(t, mebibytes)}}
	}
	grown := growing(t)
	before := env.memory(t, "VmRSS")
	for name, test := range map[string]struct {
		objects []gitserver.Packed
		refused string
	}{
		"10 GB of zeros":         {blob(10<<30, 10<<10), "more than 4,294,967,296 bytes of content"},
		"larger than its header": {blob(100, 10<<10), "an entry does not have the 100 bytes of its header"},
		"deltas that grow":       {grown, "more than 4,294,967,296 bytes of content"},
		"another content":        {blob(1<<20, 1), "the server left out the blob " + id},
		"no stream":              {[]gitserver.Packed{{ID: id, Kind: plumbing.BlobObject, Size: 1 << 20, Stream: []byte("no stream at all")}}, "zlib"},
	} {
		t.Run(name, func(t *testing.T) {
			repository := "pack-" + strings.ReplaceAll(strings.ToLower(name), " ", "-")
			r := env.repository(t, repository)
			entries := []gitserver.Entry{{Mode: "100644", Name: "Dockerfile", ID: r.blob(minimal)}}
			for i, object := range test.objects {
				entries = append(entries, gitserver.Entry{Mode: "100644", Name: fmt.Sprintf("bomb%d", i), ID: object.ID})
			}
			if err := gitserver.WritePack(r.folder, test.objects...); err != nil {
				t.Fatal(err)
			}
			r.commit(r.tree(entries...), "", "bomb")
			largest := env.watchUnlinked(t)
			env.build(t, repository, nil).mustFail(t, test.refused)
			if size := largest(); size > 512<<20 {
				t.Errorf("the temporary files grew to %d MB", size>>20)
			}
		})
	}
	// Nested folders: a few objects make millions of files.
	t.Run("folders of folders", func(t *testing.T) {
		r := env.repository(t, "pack-folders")
		tree := r.tree(gitserver.Entry{Mode: "100644", Name: "f", ID: r.blob("x")})
		for range 7 {
			var entries []gitserver.Entry
			for i := range 10 {
				entries = append(entries, gitserver.Entry{Mode: "40000", Name: fmt.Sprint("d", i), ID: tree})
			}
			tree = r.tree(entries...)
		}
		r.commit(r.tree(gitserver.Entry{Mode: "40000", Name: "d", ID: tree}), "", "bomb")
		env.Initialise(t, "pack-folders", nil)
		env.StartBuild(t)
		kit.Eventually(t, "the checkout runs", func() bool {
			found, _ := filepath.Glob(filepath.Join(env.Server.Volume(), "work", "*", "git", "d", "d0"))
			return len(found) > 0
		})
		if _, err := env.Client.Clean(t.Context()); err != nil {
			t.Fatal(err)
		}
		env.NothingLeft(t, env.ImageOf("pack-folders"))
	})
	if peak := env.memory(t, "VmHWM"); peak > before+200<<20 {
		t.Errorf("the server's memory grew to %d MB from %d MB", peak>>20, before>>20)
	}
}

// watchUnlinked measures the server's unlinked temporary files until largest is called,
// which returns their largest total size.
func (env *environment) watchUnlinked(t *testing.T) (largest func() int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan int64)
	go func() {
		var most int64
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				most = max(most, env.unlinkedSize())
			case <-ctx.Done():
				result <- most
				return
			}
		}
	}()
	return func() int64 {
		cancel()
		return <-result
	}
}

// unlinkedSize returns the size of the unlinked files that the server has open. It
// stores in such files what it receives.
func (env *environment) unlinkedSize() (total int64) {
	open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", env.Server.PID()))
	for _, name := range open {
		target, err := os.Readlink(name)
		if err != nil || !strings.HasSuffix(target, "(deleted)") {
			continue // closed meanwhile, or not unlinked
		}
		if info, err := os.Stat(name); err == nil {
			total += info.Size()
		}
	}
	return total
}
