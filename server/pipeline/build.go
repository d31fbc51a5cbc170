package pipeline

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/baseimage"
	"github.com/opensbs/sbs/server/buildlog"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/panics"
	"github.com/opensbs/sbs/server/push"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/server/volume"
)

// build is one build while it runs: the working state of its steps.
type build struct {
	*Pipeline
	parameters api.Parameters
	job        *job.Build
	folder     *volume.Build
	log        *buildlog.Log
	redact     *buildlog.Redactor
	work       string // scratch folder of this build
	lowerCase  bool   // the Dockerfile is "dockerfile"; see findDockerfile
	engine     Engine
	tidy       tidying
	key        func() (*rsa.PrivateKey, error) // the manifest key; see prepareKey

	begunWith int64 // bytes that were free on the volume when the build began
	checkout  source.Checkout
	bases     []baseimage.Image // verified; none where base images are not verified
	pushed    push.Pushed
}

// toTheEnd runs the steps, records how they ended, and leaves nothing behind.
func (b *build) toTheEnd(ctx context.Context) record.Record {
	b.log.Info("starting a build")
	for _, warning := range b.parameters.Warnings() {
		b.log.Warning("%s", warning)
	}
	defer b.prepareKey()()
	ctx, cancel := b.limited(ctx)
	defer cancel()
	b.tidy = newTidying(ctx, b.untidy)
	err := panics.Catch(func() error { return b.start(ctx) })
	if err == nil {
		err = b.run(ctx)
	}
	full := errors.Is(err, syscall.ENOSPC)
	last := b.job.Record()
	if err != nil {
		last = b.failed(ctx, err)
	}
	if err := panics.Catch(func() error { return b.leave(ctx) }); err != nil {
		b.untidy(err)
	}
	b.keepLimits(full)
	if err := GiveBackMemory(); err != nil {
		b.untidy(err)
	}
	if err := b.log.Close(); err != nil {
		last.Cause = strings.TrimPrefix(last.Cause+"; the build log is not whole: "+err.Error(), "; ")
		last = b.saidInFull(last)
	}
	return last
}

// prepareKey opens the manifest key beside the first steps, because the first
// time it has to be made, which takes about a second. The function it returns
// waits for that, so that a build leaves nothing running.
func (b *build) prepareKey() (wait func()) {
	prepared := make(chan struct{})
	go func() {
		defer close(prepared)
		_ = panics.Catch(func() error { // proveAndWriteManifest gets the same error
			_, err := b.key()
			return err
		})
	}()
	return func() { <-prepared }
}

// Names among a record's tools that are no versions.
const (
	toolBuilder  = "builder"
	toolFallback = "builder fallback" // why it is not BuildKit
	toolPlatform = "platform"
)

func (b *build) start(ctx context.Context) error {
	space, err := b.Volume.Space()
	if err != nil {
		return attempt(cleanUpCommand(b.parameters.Repository()), err)
	}
	b.begunWith = space.Free
	var connected Engine
	err = b.withProgress(ctx, peerEngine, func(ctx context.Context) (err error) {
		connected, err = b.Connect(ctx)
		return err
	})
	if err != nil {
		return attempt("docker version", err)
	}
	b.engine = connected
	version := b.engine.Version()
	if version.Fallback != "" {
		b.log.Info("building with the classic builder: %s", version.Fallback)
	}
	return b.note(func(r *record.Record) {
		r.Tools["docker engine"] = version.Engine
		r.Tools["docker api"] = version.API
		r.Tools[toolBuilder] = string(version.Builder)
		if version.Fallback != "" {
			r.Tools[toolFallback] = version.Fallback
		}
		r.Tools[toolPlatform] = version.OS + "/" + version.Arch
	})
}

// failed is the record of a build that err ended. It is kept in the build's
// folder here; the slot makes it the status. First goes what is large: on a full
// volume that makes the room for the record, and no manifest may say that this
// build was a success.
func (b *build) failed(ctx context.Context, err error) record.Record {
	if err := errors.Join(os.RemoveAll(b.work), b.folder.RemoveManifest()); err != nil {
		b.untidy(err)
	}
	b.logPanic(err)
	command := "sbs-cli build"
	var step *stepError
	if errors.As(err, &step) {
		command = step.command
	}
	cause := volume.Unwritable(err).Error()
	if ctx.Err() != nil {
		// What the step saw is a broken connection; why is in the context.
		cause = context.Cause(ctx).Error()
	}
	last := b.job.Record()
	if last.TagsMoving {
		cause += "; " + tagsMayLead
	}
	last.Status = b.redact.Text(api.FailureStatus(command))
	last.Cause = b.redact.Text(buildlog.Printable(b.inRepository(cause)))
	last.Finished = b.now().UTC()
	b.log.Error("%s", last.Cause)
	b.log.Error("%s", last.Status)
	if err := b.saveRecord(last); err != nil {
		b.log.Error("%v", err)
	}
	return last
}

// saidInFull keeps the cause of a failure that has got longer. The record of a
// success is signed, and stays.
func (b *build) saidInFull(last record.Record) record.Record {
	if !api.Failed(last.Status) {
		return last
	}
	if err := b.saveRecord(last); err != nil {
		last.Cause += "; " + volume.Unwritable(err).Error()
	}
	return last
}

// leaveTime bounds the cleaning up after a build, so that clean frees the server
// within seconds even when the engine hangs.
const leaveTime = 10 * time.Second

// leave removes the image from the engine and the clone from the disk, and waits
// for what is being removed already.
func (b *build) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	b.tidy.wait(ctx)
	var failed error
	if b.engine != nil {
		if b.checkout.Commit != "" {
			failed = panics.Catch(func() error { return b.engine.Remove(ctx, b.references()...) })
		}
		failed = errors.Join(failed, b.engine.Close())
	}
	return errors.Join(failed, os.RemoveAll(b.work))
}

// untidy logs an error of the cleanup. The build does not fail for it.
func (b *build) untidy(err error) {
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

func (b *build) note(change func(*record.Record)) error {
	_, err := b.job.Advance(change)
	return err
}

func (b *build) saveRecord(r record.Record) error {
	content, err := record.Encode(r)
	if err != nil {
		return err
	}
	return b.folder.SaveRecord(content)
}

// tags are the tags that the image is pushed under.
func (b *build) tags() []string {
	return []string{b.parameters.ImageTag(b.checkout.Commit), "latest"}
}

// references are the image's full names.
func (b *build) references() []string {
	var references []string
	for _, tag := range b.tags() {
		references = append(references, b.parameters.Repository()+":"+tag)
	}
	return references
}

// buildName is registry, repository (with . for /), image tag and start time,
// joined by dots.
func (b *build) buildName() string {
	return strings.Join([]string{
		b.parameters.Registry(),
		strings.ReplaceAll(b.parameters.DockerRepo, "/", "."),
		b.parameters.ImageTag(b.checkout.Commit),
		b.folder.ID(),
	}, ".")
}
