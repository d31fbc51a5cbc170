package httpclient

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// idleLimit is the idle timeout of requests when Limits.Progress is nil.
const idleLimit = 30 * time.Second

// Limits bound the requests of a [Bounded].
type Limits struct {
	MaxResponse int64  // bytes of the body of one response
	Progress    func() // see signature.Access
}

// Bounded is a RoundTripper for all requests of one signature, including token
// requests and redirects. It holds the context of that signature.
type Bounded struct {
	ctx    context.Context
	base   http.RoundTripper
	limits Limits
	check  func(*http.Request) error
}

// Bound returns a RoundTripper that bounds base by ctx and the limits. It calls check
// with each request before it is sent and returns its error instead of sending.
func Bound(ctx context.Context, base http.RoundTripper, limits Limits, check func(*http.Request) error) *Bounded {
	return &Bounded{ctx: ctx, base: base, limits: limits, check: check}
}

// IdleError reports a request that was ended because nothing was sent or received.
type IdleError struct{ limit time.Duration }

func (e *IdleError) Error() string {
	return fmt.Sprintf("nothing was sent or received for %v", e.limit)
}

// Timeout and Temporary make it a net.Error.
func (*IdleError) Timeout() bool   { return true }
func (*IdleError) Temporary() bool { return false }

// RoundTrip implements http.RoundTripper. It ends with the owner's context or the
// request's own.
func (b *Bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := b.check(request); err != nil {
		return nil, err
	}
	watch := b.watch(request.Context())
	sent := request.WithContext(watch.ctx)
	if request.Body != nil && request.Body != http.NoBody {
		sent.Body = &body{ReadCloser: request.Body, watch: watch, release: func() {}}
	}
	response, err := b.base.RoundTrip(sent)
	if err != nil {
		err = watch.explain(err)
		watch.release()
		return nil, err
	}
	watch.moved()
	response.Body = &body{http.MaxBytesReader(nil, response.Body, b.limits.MaxResponse), watch, watch.release}
	return response, nil
}

// watch is the idle timer and the context of one request.
type watch struct {
	ctx     context.Context
	moved   func()
	release func()
}

func (b *Bounded) watch(of context.Context) *watch {
	ctx, cancel := context.WithCancelCause(b.ctx)
	stop := context.AfterFunc(of, func() { cancel(context.Cause(of)) })
	release := func() { stop(); cancel(context.Canceled) }
	if b.limits.Progress != nil {
		return &watch{ctx, b.limits.Progress, release}
	}
	idle := time.AfterFunc(idleLimit, func() { cancel(&IdleError{idleLimit}) })
	return &watch{
		ctx: ctx,
		moved: func() {
			if idle.Stop() {
				idle.Reset(idleLimit)
			}
		},
		release: func() { idle.Stop(); release() },
	}
}

// explain returns the *IdleError that ended the request, and otherwise err.
func (w *watch) explain(err error) error {
	if idle, ok := context.Cause(w.ctx).(*IdleError); ok {
		return idle
	}
	return err
}

// body reports progress, and releases the request's timer when it is closed.
type body struct {
	io.ReadCloser
	watch   *watch
	release func()
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.watch.moved()
	}
	if err != nil && err != io.EOF {
		err = b.watch.explain(err)
	}
	return n, err
}

func (b *body) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
