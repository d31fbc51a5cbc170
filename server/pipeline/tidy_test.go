package pipeline

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// A build that is stopped still waits for what it has begun to remove.
func TestTidyingOutlivesTheBuild(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	tidy := newTidying(ctx, func(err error) { t.Error(err) })
	stop()
	release := make(chan struct{})
	removed := false
	tidy.begin(func(ctx context.Context) error {
		<-release
		removed = true
		return ctx.Err()
	})
	time.AfterFunc(time.Millisecond, func() { close(release) })
	tidy.wait(t.Context())
	if !removed {
		t.Error("nobody waited for the removal")
	}
}

// An engine that hangs does not hold up the end of a build, which says so.
func TestTidyingIsBounded(t *testing.T) {
	var (
		late = errors.New("too late")
		mu   sync.Mutex
		told []error
	)
	tidy := newTidying(t.Context(), func(err error) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, err)
	})
	for range 2 {
		tidy.begin(func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}
	ended, end := context.WithCancelCause(t.Context())
	end(late)
	tidy.wait(ended)
	if len(told) != 2 || !errors.Is(told[0], late) || !errors.Is(told[1], late) {
		t.Errorf("told %v, want %q twice", told, late)
	}
}
