package pipeline

// Cleanup: what a build left in the builder is removed as soon as no step needs it
// any more, while the next steps run. Only the end of the build waits for it.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/opensbs/sbs/server/panics"
)

// cleanupTime bounds the cleanup after a build, so that clean frees the server within
// seconds even when the builder hangs.
const cleanupTime = 10 * time.Second

// backgroundCleanup removes things concurrently with the steps. It does not end with
// the context of the build: a build that is stopped is cleaned up too. That is why it
// keeps a context of its own.
type backgroundCleanup struct {
	ctx    context.Context
	stop   context.CancelCauseFunc
	failed func(error)
	all    sync.WaitGroup
}

// newBackgroundCleanup returns a cleanup with the values of ctx, but not its end.
// failed is called with each error, by any goroutine.
func newBackgroundCleanup(ctx context.Context, failed func(error)) *backgroundCleanup {
	c := &backgroundCleanup{failed: failed}
	c.ctx, c.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	return c
}

// start runs remove in a goroutine of its own.
func (c *backgroundCleanup) start(remove func(context.Context) error) {
	c.all.Go(func() {
		if err := panics.Catch(func() error { return remove(c.ctx) }); err != nil {
			c.failed(err)
		}
	})
}

// wait waits until everything that was started has returned. When ctx ends first, it
// cancels what still runs.
func (c *backgroundCleanup) wait(ctx context.Context) {
	defer c.stop(nil)
	defer context.AfterFunc(ctx, func() { c.stop(context.Cause(ctx)) })()
	c.all.Wait()
}

// cleanUp waits for the cleanup in the background, closes the connection
// to the builder, and removes the scratch folder from the volume.
func (b *build) cleanUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	b.background.wait(ctx)
	var failed error
	if b.builder != nil {
		if b.checkout.Commit != "" { // a build that was cut short may have left an image
			failed = panics.Catch(func() error {
				return b.builder.RemoveLeftovers(ctx, b.parameters.Repository(), time.Time{})
			})
		}
		failed = errors.Join(failed, b.builder.Close())
	}
	return errors.Join(failed, os.RemoveAll(b.work))
}

// logCleanupError logs an error of the cleanup. The build does not fail for it.
func (b *build) logCleanupError(err error) {
	b.logPanic(err)
	b.log.Error("clean up after the build: %v", err)
}

// logPanic writes the stack of a panic to the server's log.
func (b *build) logPanic(err error) {
	var caught *panics.Error
	if errors.As(err, &caught) {
		b.Logger.Error("a build panicked", "build", b.folder.ID(), "panic", b.redact.Text(fmt.Sprint(caught.Value)), "stack", b.redact.Text(string(caught.Stack)))
	}
}
