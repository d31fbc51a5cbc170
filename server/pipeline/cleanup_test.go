package pipeline

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// A build that is stopped still waits for the removals that it has started.
func TestCleanupOutlivesTheBuild(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	cleanup := newBackgroundCleanup(ctx, func(err error) { t.Error(err) })
	stop()
	release := make(chan struct{})
	removed := false
	cleanup.start(func(ctx context.Context) error {
		<-release
		removed = true
		return ctx.Err()
	})
	time.AfterFunc(time.Millisecond, func() { close(release) })
	cleanup.wait(t.Context())
	if !removed {
		t.Error("wait returned before the removal was done")
	}
}

// An engine that hangs does not delay the end of a build, and the error is reported.
func TestCleanupIsBounded(t *testing.T) {
	var (
		late     = errors.New("too late")
		mu       sync.Mutex
		reported []error
	)
	cleanup := newBackgroundCleanup(t.Context(), func(err error) {
		mu.Lock()
		defer mu.Unlock()
		reported = append(reported, err)
	})
	for range 2 {
		cleanup.start(func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}
	ended, end := context.WithCancelCause(t.Context())
	end(late)
	cleanup.wait(ended)
	if len(reported) != 2 || !errors.Is(reported[0], late) || !errors.Is(reported[1], late) {
		t.Errorf("reported %v, want %q twice", reported, late)
	}
}
