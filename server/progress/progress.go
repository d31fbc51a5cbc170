package progress

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Stalled is the cause of a context that ended because there was no progress.
type Stalled struct {
	Peer    string        // who was waited for, as a noun phrase: "the git host", "the registry"
	Timeout time.Duration // how long nothing happened
}

func (s *Stalled) Error() string {
	return fmt.Sprintf("no progress from %s for %v: see that it works, or raise PROGRESS_TIMEOUT where it only needs longer", s.Peer, s.Timeout)
}

// key is the context key of the innermost timer.
type key struct{}

// timer is the value that WithTimeout adds to a context.
type timer struct {
	timer   *time.Timer
	timeout time.Duration
	outer   *timer // of the context around it, which the same progress moves on
}

// WithTimeout returns a context that ends with a [*Stalled] as its cause when
// Report has not been called with it, or with a context derived from it, for the
// duration timeout. No timeout (zero or less) returns a context that ends with
// its parent only. The caller must call cancel, which stops the clock.
func WithTimeout(parent context.Context, timeout time.Duration, peer string) (ctx context.Context, cancel context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(parent)
	}
	ctx, end := context.WithCancelCause(parent)
	outer, _ := parent.Value(key{}).(*timer)
	t := &timer{timeout: timeout, outer: outer}
	t.timer = time.AfterFunc(timeout, func() { end(&Stalled{Peer: peer, Timeout: timeout}) })
	return context.WithValue(ctx, key{}, t), func() {
		t.timer.Stop()
		end(context.Canceled)
	}
}

// Report resets the timeout of ctx: its operation has made progress. Without a timeout in ctx it
// does nothing. It may be called from several goroutines at once, and is cheap
// enough for each read of a network connection.
func Report(ctx context.Context) {
	t, _ := ctx.Value(key{}).(*timer)
	for ; t != nil; t = t.outer {
		// A timer that has fired or was stopped stays so.
		if t.timer.Stop() {
			t.timer.Reset(t.timeout)
		}
	}
}

// Reader returns a reader of r that reports each byte it gets as progress of ctx.
func Reader(ctx context.Context, r io.Reader) io.Reader { return reader{ctx, r} }

type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if n > 0 {
		Report(r.ctx)
	}
	return n, err
}

// Writer returns a writer to w that reports each byte it gets rid of as progress
// of ctx.
func Writer(ctx context.Context, w io.Writer) io.Writer { return writer{ctx, w} }

type writer struct {
	ctx context.Context
	w   io.Writer
}

func (w writer) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if n > 0 {
		Report(w.ctx)
	}
	return n, err
}

// WorkReader returns a reader of r for work that may take long after the data has
// come, such as decompressing it. Each Read returns the error of ctx once ctx has
// ended, and reports progress: it is not another machine that is waited for.
func WorkReader(ctx context.Context, r io.Reader) io.Reader { return workReader{ctx, r} }

type workReader struct {
	ctx context.Context //nolint:containedctx // it outlives no call
	r   io.Reader
}

func (w workReader) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	Report(w.ctx)
	return w.r.Read(p)
}
