package buildkit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/builder/solve"
	"github.com/opensbs/sbs/server/progress"
)

// maxAhead is how far a commit's time may be after this machine's: clocks differ.
const maxAhead = 5 * time.Minute

// Build builds an image and writes it to the archive of the request. Every build is
// fresh: no step is taken from a cache, and a cache mount is empty at the start. The
// builder's progress goes to output as it comes, in lines; an error of output fails the
// build.
//
// A failing step's error names the step and its exit code. A source that was refused is
// named with the reason. The error is one of package builder where one fits, and
// contains syscall.ENOSPC if the disk is full. A build that fails leaves no archive and
// nothing in the daemon.
func (b *Builder) Build(ctx context.Context, request builder.Request, output io.Writer) (builder.Image, error) {
	image, err := b.build(ctx, request, output)
	if err != nil {
		return builder.Image{}, fmt.Errorf("build an image: %w", ended(ctx, err))
	}
	return image, nil
}

func (b *Builder) build(ctx context.Context, request builder.Request, output io.Writer) (image builder.Image, err error) {
	if err := check(request, time.Now()); err != nil {
		return builder.Image{}, err
	}
	kit, err := client.New(ctx, b.address)
	if err != nil {
		return builder.Image{}, fmt.Errorf("connect to BuildKit: %w", err)
	}
	defer kit.Close()
	defer solve.CutAfterGrace(ctx, kit)()
	before, err := solve.ListCache(ctx, kit)
	if err != nil {
		return builder.Image{}, unreachable(b.address, err)
	}
	one := &build{Builder: b, request: request, ref: strings.ToLower(rand.Text()), output: &solve.Output{To: output}}
	image, err = one.run(ctx, kit)
	if err != nil {
		one.removeFailed(ctx, before)
		return builder.Image{}, err
	}
	image.Remove = func(ctx context.Context) error { return b.remove(ctx, one.ref, before) }
	return image, nil
}

// check refuses a request that can't give the same image twice, or whose files are not
// acceptable.
func check(request builder.Request, now time.Time) error {
	if err := solve.CheckFiles(request.ContextDir, request.Dockerfile); err != nil {
		return err
	}
	if ahead := request.Committed.Sub(now); ahead > maxAhead {
		return fmt.Errorf("the commit is dated %s, which is in the future: its image would not be the same when it is built again; correct the clock where it was committed or of this server, and commit again", request.Committed.UTC().Format(time.RFC3339))
	}
	if request.Committed.Unix() < 0 {
		return fmt.Errorf("the commit is dated %s, before 1970: an image can't have this time", request.Committed.UTC().Format(time.RFC3339))
	}
	return nil
}

// build is one build.
type build struct {
	*Builder
	request builder.Request
	ref     string // of the build in the daemon's records
	output  *solve.Output
}

func (b *build) run(ctx context.Context, kit *client.Client) (image builder.Image, err error) {
	to, err := createArchive(b.request.Archive, b.request.MaxSize, func() { progress.Report(ctx) })
	if err != nil {
		return builder.Image{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(b.request.Archive))
		}
	}()
	sources := newPolicy(ctx, b.request.Decide)
	options, err := solveOptions(ctx, b.ref, b.request, sources, to)
	if err == nil {
		err = b.solve(ctx, kit, options, sources, to)
	}
	if err := errors.Join(err, to.Close()); err != nil {
		return builder.Image{}, err
	}
	made, err := record(ctx, kit, b.ref)
	if err != nil {
		return builder.Image{}, stopped(err)
	}
	image, err = b.inspect(made, sources)
	if err != nil {
		return builder.Image{}, fmt.Errorf("the image is discarded: %w", err)
	}
	return image, b.output.Err()
}

// solve runs the build. What this side refused is its error.
func (b *build) solve(ctx context.Context, kit *client.Client, options client.SolveOpt, sources *policy, to *archive) error {
	report, _, err := solve.Run(ctx, kit, options, b.output)
	switch {
	case err == nil:
		return nil
	case sources.refusal() != nil:
		return sources.refusal()
	case to.err() != nil:
		return nil // Close returns it
	}
	return fullDisk(report.Explain(err, errStopped))
}

// inspect checks the archive and the sources, both against the daemon's record.
func (b *build) inspect(made *provenance, sources *policy) (builder.Image, error) {
	images, downloads, err := made.sources()
	if err != nil {
		return builder.Image{}, err
	}
	if err := sources.confirm(images, downloads); err != nil {
		return builder.Image{}, err
	}
	if err := checkTimes(b.request.Archive, made.baseLayers(), b.request.Committed); err != nil {
		return builder.Image{}, err
	}
	return builder.Image{Base: images, Downloads: downloads}, nil
}

// removeFailed removes what a failed build left, even when its context has ended. What
// it can't remove is written to the output.
func (b *build) removeFailed(ctx context.Context, before solve.Cache) {
	ctx, cancel := solve.ForCleanup(ctx)
	defer cancel()
	if err := b.remove(ctx, b.ref, before); err != nil {
		fmt.Fprintln(b.output, err)
	}
}

// remove removes the record of a build, and what was added to the cache since before
// was listed.
func (b *Builder) remove(ctx context.Context, ref string, before solve.Cache) error {
	err := b.with(ctx, func(kit *client.Client) error {
		return errors.Join(forget(ctx, kit, ref), removeRecords(ctx, kit, before.Added))
	})
	if err != nil {
		return fmt.Errorf("remove what the build left in BuildKit: %w", err)
	}
	return nil
}

// fullDisk gives an error of the daemon its kind if the daemon's disk is full: the
// daemon returns only the text.
func fullDisk(err error) error {
	if strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		return fmt.Errorf("the builder's disk is full: %w: %w", syscall.ENOSPC, err)
	}
	return err
}
