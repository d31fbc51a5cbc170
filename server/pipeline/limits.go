package pipeline

// The limits on the time of a build, and on the time that it waits for a peer without
// progress.

import (
	"context"
	"errors"
	"fmt"

	"github.com/opensbs/sbs/server/progress"
)

// Peers, as the cause of a build without progress names them.
const (
	peerBuilder = "the builder"
)

// limited returns the context of the whole build, which ends after BUILD_TIMEOUT.
func (b *build) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := b.parameters.BuildTimeout()
	if limit == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("the build took longer than BUILD_TIMEOUT, %v: see the log for what took the time, or raise BUILD_TIMEOUT", limit))
}

// withProgress runs do with a context that ends when peer makes no progress for
// PROGRESS_TIMEOUT; do must call progress.Report for each progress. The error is then a
// *progress.Stalled, whatever do returns, with the command line of the error of do.
func (b *build) withProgress(ctx context.Context, peer string, do func(ctx context.Context) error) error {
	limited, cancel := progress.WithTimeout(ctx, b.parameters.ProgressTimeout(), peer)
	defer cancel()
	err := do(limited)
	var stalled *progress.Stalled
	if err == nil || ctx.Err() != nil || !errors.As(context.Cause(limited), &stalled) {
		return err
	}
	var step *stepError
	if errors.As(err, &step) {
		return attempt(step.command, stalled)
	}
	return stalled
}
