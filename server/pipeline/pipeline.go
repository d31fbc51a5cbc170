package pipeline

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"syscall"
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
//
// A row has the status that clients see when the step is done, the command line that
// a failure reports (see commands.go), and the functions of the step, in order.
var steps = []step{
	{api.StatusCleanedUp, removeCommand, do{
		(*build).removeLeftovers, // leftovers.go
	}},
	{api.StatusGitHubCloned, cloneCommand, do{
		(*build).clone, // clone.go
	}},
	{api.StatusImageBuilt, buildCommand, do{
		(*build).findDockerfile,  // dockerfile.go
		(*build).checkDockerfile, // dockerfile.go
		(*build).verifyBases,     // bases.go
		(*build).buildImage,      // image.go
		(*build).checkUsedBases,  // bases.go
	}},
	{api.StatusImagePushed, pushCommand, do{
		concurrently(do{(*build).push, (*build).sign}, // push.go, sign.go
			do{(*build).scanImage, (*build).attestSBOM}), // sbom.go
		(*build).recordPushed, // push.go
	}},
	{api.StatusSuccess, manifestCommand, do{
		(*build).finishRecord,     // manifest.go
		(*build).attestProvenance, // provenance.go
		(*build).signManifest,     // manifest.go
		(*build).uploadManifest,   // manifest.go
		(*build).moveTags,         // tags.go
		(*build).keepManifest,     // manifest.go
	}},
}

// step is one row of the table.
type step struct {
	status  string
	command func(invocation) string
	do      do
}

// do is a list of functions that run one after the other. Each must return soon after
// its context ends. Its error carries a command line of its own (see attempt) if
// another one than that of the step failed.
type do []func(*build, context.Context) error

// execute is a whole build, called by Begin in a goroutine of its own: connect to the
// builder, run the steps, record the end, clean up. It returns the last record.
func (b *build) execute(ctx context.Context) record.Record {
	b.logStart()
	defer b.prepareManifestKey()()
	ctx, cancel := b.limited(ctx)
	defer cancel()
	b.background = newBackgroundCleanup(ctx, b.logCleanupError)
	err := panics.Catch(func() error { return b.connect(ctx) })
	if err == nil {
		err = b.run(ctx)
	}
	last := b.job.Record()
	if err != nil {
		last = b.recordFailure(ctx, err)
	}
	if err := panics.Catch(func() error { return b.cleanUp(ctx) }); err != nil {
		b.logCleanupError(err)
	}
	b.applyHistoryLimits(errors.Is(err, syscall.ENOSPC))
	debug.FreeOSMemory() // a build needs much more memory than a server without one
	if err := b.log.Close(); err != nil {
		last.Cause = strings.TrimPrefix(last.Cause+"; the build log is not whole: "+err.Error(), "; ")
		last = b.saveChangedFailure(last)
	}
	return last
}

// run executes the table: check the context, run the functions of the step, advance
// the job (durably, then visibly), log how long it took.
func (b *build) run(ctx context.Context) error {
	for _, step := range steps {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		started := b.now()
		if err := b.runAll(ctx, step.do); err != nil {
			return b.failedIn(step, err)
		}
		if err := b.advance(step.status); err != nil {
			return err
		}
		b.log.Info("%s (%.3f s)", step.status, b.now().Sub(started).Seconds())
	}
	return nil
}

func (b *build) runAll(ctx context.Context, functions do) error {
	for _, do := range functions {
		if err := panics.Catch(func() error { return do(b, ctx) }); err != nil {
			return err
		}
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
