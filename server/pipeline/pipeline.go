package pipeline

import (
	"context"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/panics"
)

// The pipeline, from left to right. Each name is the last step that is done:
//
//	cleaned up → github cloned → image built → image pushed → success
//	    │              │              │             │            │
//	leftovers of    source at     bases         pushed by     provenance stated,
//	earlier builds  one commit    verified,     digest and    manifest signed and
//	removed                       image built   signed, its   stored, then both tags
//	                                            parts stated  moved, manifest kept
var steps = []step{
	{api.StatusCleanedUp, (*build).cleanUp},
	{api.StatusGitHubCloned, (*build).clone},
	{api.StatusImageBuilt, (*build).buildImage},
	{api.StatusImagePushed, (*build).pushAndSign},
	{api.StatusSuccess, (*build).proveAndWriteManifest},
}

// step is one row of the table. do must return soon after its context ends.
type step struct {
	status string
	do     func(*build, context.Context) error
}

// run goes through the table: check the context, run the step, advance the job
// (durably, then visibly), log, measure.
func (b *build) run(ctx context.Context) error {
	for _, step := range steps {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		started := b.now()
		if err := panics.Catch(func() error { return step.do(b, ctx) }); err != nil {
			return err
		}
		if err := b.advance(step.status); err != nil {
			return err
		}
		b.log.Info("%s (%.3f s)", step.status, b.now().Sub(started).Seconds())
	}
	return nil
}

func (b *build) advance(status string) error {
	now := b.now().UTC()
	return b.note(func(r *record.Record) {
		r.Status = status
		r.TagsMoving = false
		if r.Steps == nil {
			r.Steps = map[string]time.Time{}
		}
		r.Steps[status] = now
	})
}
