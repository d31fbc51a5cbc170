package pipeline

import (
	"context"
	"crypto/rsa"
	"errors"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/baseimage"
	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/buildlog"
	"github.com/opensbs/sbs/server/diskspace"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/panics"
	"github.com/opensbs/sbs/server/push"
	"github.com/opensbs/sbs/server/sbom"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/server/volume"
)

// build is one running build: what it was begun with, and the products of its steps.
type build struct {
	*Pipeline
	parameters api.Parameters
	job        *job.Build
	folder     volume.Build
	log        *buildlog.Log
	redact     *buildlog.Redactor
	accounts   []api.RegistryAccount           // of the registries of base images
	pushTo     api.RegistryAccount             // of the registry that is pushed to
	work       string                          // scratch folder of this build
	key        func() (*rsa.PrivateKey, error) // the manifest key; see prepareManifestKey

	// Set by execute, before the steps.
	background *backgroundCleanup
	builder    Builder
	freeBefore int64 // bytes that were free on the volume

	// Products of the steps. Each is written by one function of the table, and read by
	// later ones only.
	checkout   source.Checkout     // written by clone; read by all later steps
	contextDir string              // written by findDockerfile; read by buildImage
	lowerCase  bool                // written by findDockerfile: the Dockerfile is "dockerfile"; read by dockerfile
	path       string              // of the Dockerfile: written by findDockerfile, replaced by verifyBases; read by buildImage
	text       []byte              // of the Dockerfile: written by checkDockerfile; read by verifyBases
	bases      []baseimage.Image   // written by verifyBases or buildImage: empty unless there are rules; read by checkUsedBases
	used       []builder.BaseImage // written by buildImage; read by checkUsedBases
	downloads  []builder.Download  // written by buildImage; read by checkUsedBases
	pushed     push.Pushed         // written by push; read by sign, attest*, moveTags
	pushDone   chan struct{}       // closed by push; attestSBOM, which runs concurrently, waits for it
	signatures []record.Signature  // written by sign; read by recordPushed
	inventory  sbom.Inventory      // written by scanImage; read by attestSBOM
	stated     record.Attestation  // written by attestSBOM; read by recordPushed
	finalLog   *io.SectionReader   // written by finishRecord; read by attestProvenance, signManifest
	signed     volume.AtomicFile   // written by signManifest; read by uploadManifest, keepManifest

	// rollback has what is undone when the build fails, last first.
	rollback []func() error
}

// logStart writes the first lines of the log.
func (b *build) logStart() {
	b.log.Info("starting a build")
	for _, warning := range b.parameters.Warnings() {
		b.log.Warning("%s", warning)
	}
}

// prepareManifestKey opens the manifest key while the first steps run, because
// generating it, which the first build does, takes about a second. The function that
// it returns waits until that is done.
func (b *build) prepareManifestKey() (wait func()) {
	prepared := make(chan struct{})
	go func() {
		defer close(prepared)
		_ = panics.Catch(func() error { // finishRecord gets the same error
			_, err := b.key()
			return err
		})
	}()
	return func() { <-prepared }
}

// Names among the tools of a record that have no version.
const (
	toolBuilder  = "builder"
	toolFallback = "builder fallback" // why it is not BuildKit
	toolPlatform = "platform"
)

// connect connects to the builder, and records its version and how much of the volume
// was free.
func (b *build) connect(ctx context.Context) error {
	space, err := b.Disk.Space()
	if err != nil {
		return attempt(removeCommand(b.invocation()), err)
	}
	b.freeBefore = space.Free
	var connected Builder
	err = b.withProgress(ctx, peerBuilder, func(ctx context.Context) (err error) {
		connected, err = b.Connect(ctx)
		return err
	})
	if err != nil {
		return attempt("docker version", err)
	}
	b.builder = connected
	version := b.builder.Version()
	if version.Fallback != "" {
		b.log.Info("building with the classic builder: %s", version.Fallback)
	}
	return b.note(func(r *record.Record) {
		maps.Copy(r.Tools, version.Tools)
		r.Tools[toolBuilder] = version.Builder
		if version.Fallback != "" {
			r.Tools[toolFallback] = version.Fallback
		}
		r.Tools[toolPlatform] = version.OS + "/" + version.Arch
	})
}

// recordFailure undoes what may not outlive a failed build and returns its record,
// which it saves in the folder of the build; the slot makes it the status. The large
// files are removed first: on a full volume that frees the space for the record. The
// manifest is removed with them, because it claims success.
func (b *build) recordFailure(ctx context.Context, err error) record.Record {
	for len(b.rollback) > 0 {
		last := len(b.rollback) - 1
		undo := b.rollback[last]
		b.rollback = b.rollback[:last]
		if err := panics.Catch(undo); err != nil {
			b.logCleanupError(err)
		}
	}
	if err := errors.Join(os.RemoveAll(b.work), b.folder.RemoveManifest()); err != nil {
		b.logCleanupError(err)
	}
	b.logPanic(err)
	command := "sbs-cli build"
	var failed *stepError
	if errors.As(err, &failed) {
		command = failed.command
	}
	cause := volume.Unwritable(err).Error()
	if ctx.Err() != nil {
		// The step reports a broken connection; the reason is in the context.
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

// saveChangedFailure saves the record of a failed build again after its cause has
// changed. The record of a success is signed, and is not changed.
func (b *build) saveChangedFailure(last record.Record) record.Record {
	if !api.Failed(last.Status) {
		return last
	}
	if err := b.saveRecord(last); err != nil {
		last.Cause += "; " + volume.Unwritable(err).Error()
	}
	return last
}

// note changes the record, durably and then visibly.
func (b *build) note(change func(*record.Record)) error {
	_, err := b.job.Advance(change)
	return err
}

// saveRecord writes the record into the folder of the build.
func (b *build) saveRecord(r record.Record) error {
	content, err := record.Encode(r)
	if err != nil {
		return err
	}
	return b.folder.SaveRecord(content)
}

// keep returns the limits of the history.
func (p *Pipeline) keep(parameters api.Parameters, current string) diskspace.Keep {
	count, size := parameters.BuildsKept()
	return diskspace.Keep{Count: count, Size: size, Current: current}
}

// applyHistoryLimits removes older builds when this one has ended. full means that it
// found the volume full.
func (b *build) applyHistoryLimits(full bool) {
	failedWith := int64(0)
	if full {
		failedWith = b.freeBefore
	}
	trimmed, err := b.space().AfterBuild(b.keep(b.parameters, b.folder.ID()), failedWith)
	b.logTrimmed(trimmed)
	if err != nil {
		b.log.Error("%v", err)
	}
}

// tags returns the tags that the image is pushed under.
func (b *build) tags() []string {
	return []string{b.parameters.ImageTag(b.checkout.Commit), "latest"}
}

// references returns the image's full names, one for each tag.
func (b *build) references() []string {
	var references []string
	for _, tag := range b.tags() {
		references = append(references, b.parameters.Repository()+":"+tag)
	}
	return references
}

// buildName returns registry, repository (with . for /), image tag and start time,
// joined by dots.
func (b *build) buildName() string {
	return strings.Join([]string{
		b.parameters.Registry(),
		strings.ReplaceAll(b.parameters.DockerRepo, "/", "."),
		b.parameters.ImageTag(b.checkout.Commit),
		b.folder.ID(),
	}, ".")
}
