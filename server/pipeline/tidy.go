package pipeline

// What a build leaves in the engine goes as soon as nothing needs it any more,
// while the next steps run. Only the end of the build waits for it.

import (
	"context"
	"sync"

	"github.com/opensbs/sbs/server/panics"
)

// tidying is what is being removed beside the steps. It does not end with the
// build's context: a build that is stopped leaves nothing either.
type tidying struct {
	begin func(do func(context.Context) error) // do runs in a goroutine of its own
	wait  func(ctx context.Context)            // for all of them, or until soon after the end of ctx
}

// newTidying tells failed what went wrong.
func newTidying(ctx context.Context, failed func(error)) tidying {
	ctx, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	return tidying{
		begin: func(do func(context.Context) error) {
			all.Go(func() {
				if err := panics.Catch(func() error { return do(ctx) }); err != nil {
					failed(err)
				}
			})
		},
		wait: func(until context.Context) {
			defer stop(nil)
			defer context.AfterFunc(until, func() { stop(context.Cause(until)) })()
			all.Wait()
		},
	}
}
