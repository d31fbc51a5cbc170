package manifest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

// TestStreamsAreIndependentOfCores checks that the bytes don't depend on how many
// cores made them, and that several streams read as one.
func TestStreamsAreIndependentOfCores(t *testing.T) {
	random := make([]byte, 2*tbzStream+17)
	source := rand.NewChaCha8([32]byte{1})
	if _, err := source.Read(random); err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{"random": {Data: random, Mode: 0o644}, "zero": {Data: make([]byte, 2*tbzStream), Mode: 0o644}}
	var outputs [][]byte
	for _, cores := range []int{1, 4} {
		before := runtime.GOMAXPROCS(cores)
		var tbz bytes.Buffer
		_, err := Write(context.Background(), &tbz, contents("{}", tree))
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, tbz.Bytes())
	}
	if !bytes.Equal(outputs[0], outputs[1]) {
		t.Error("one core and four give different bytes")
	}
	summary, err := Read(bytes.NewReader(outputs[0]))
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(len(random) + 2*tbzStream); summary.Bytes != want || summary.Files != 2 {
		t.Errorf("read %d files with %d bytes, want 2 with %d", summary.Files, summary.Bytes, want)
	}
}

// TestMemoryIsBounded checks that writing makes its buffers once: four times the
// input takes no more of them, and two cores take less than 30 MB.
func TestMemoryIsBounded(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	zeros := make([]byte, 40*tbzStream)
	took := func(streams int) uint64 {
		tree := fstest.MapFS{"zeros": {Data: zeros[:streams*tbzStream], Mode: 0o644}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Write(context.Background(), io.Discard, contents("{}", tree)); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	few, many := took(10), took(40)
	if many > 30e6 || many > few+1e6 {
		t.Errorf("10 streams take %d bytes of memory and 40 take %d, want less than 30 MB for either", few, many)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestWritingEndsMidway ends writing while all workers are at work. The bubble
// fails the test when a goroutine outlives the call.
func TestWritingEndsMidway(t *testing.T) {
	gone := errors.New("gone")
	tree := fstest.MapFS{"zeros": {Data: make([]byte, 20*tbzStream), Mode: 0o644}}
	for what, end := range map[string]func(context.CancelCauseFunc) error{
		"by its context": func(cancel context.CancelCauseFunc) error { cancel(gone); return nil },
		"by its writer":  func(context.CancelCauseFunc) error { return gone },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				w := writerFunc(func(p []byte) (int, error) { return len(p), end(cancel) })
				if _, err := Write(ctx, w, contents("{}", tree)); !errors.Is(err, gone) {
					t.Errorf("got %v, want the cause", err)
				}
			})
		})
	}
}

// TestContextEndsWaiting has the context end while all memory waits for a writer
// that does not come back.
func TestContextEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("gone")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, gone)
		defer cancel()
		release := make(chan struct{})
		c := newCompressor(ctx, writerFunc(func(p []byte) (int, error) {
			<-release
			return len(p), nil
		}), 1000)
		_, err := c.Write(make([]byte, 1_000_000))
		close(release)
		if closed := c.Close(); !errors.Is(err, gone) || closed != nil {
			t.Errorf("got %v, then %v; want the context's cause, then none", err, closed)
		}
	})
}
