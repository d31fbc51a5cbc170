package solve

// A build that is cancelled ends within a second, with what it ran and what it
// left removed as far as the builder does so in that time.

import (
	"context"
	"time"

	buildkit "github.com/moby/buildkit/client"
)

// A cancelled build may take cancelGrace to stop its containers and report it; then
// the connection is cut, which stops them too. What it left may take cleanupTime to
// be removed. Together they are less than a second.
const (
	cancelGrace = 400 * time.Millisecond
	cleanupTime = 500 * time.Millisecond
)

// ForCleanup is the context for removing what a build left: the build's own
// while it lasts, a short one after its end.
func ForCleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
}

// CutAfterGrace closes kit a while after ctx ended, unless the function it
// returns is called before.
func CutAfterGrace(ctx context.Context, kit *buildkit.Client) (stop func()) {
	over := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-over:
			return
		case <-ctx.Done():
		}
		grace := time.NewTimer(cancelGrace)
		defer grace.Stop()
		select {
		case <-over:
		case <-grace.C:
			kit.Close()
		}
	}()
	return func() {
		close(over)
		<-done
	}
}
