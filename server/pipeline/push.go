package pipeline

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/push"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature"
)

// Pusher uploads images to their registries.
type Pusher interface {
	// Push uploads the image of a builder's archive by its digest, without a
	// tag; work is a folder for temporary files.
	Push(ctx context.Context, target push.Target, archive, work string, progress io.Writer) (push.Pushed, error)
	// Tag makes tags lead to it. undo is never nil, and restores them.
	Tag(ctx context.Context, target push.Target, image push.Pushed, tags []string, progress io.Writer) (undo func(context.Context) error, err error)
}

// push uploads the image by its digest. No tag leads to it yet: see moveTags.
func (b *build) push(ctx context.Context) error {
	if err := b.reserveForPush(); err != nil {
		return err
	}
	output := b.log.Output()
	err := b.withProgress(ctx, b.peerRegistry(), func(ctx context.Context) (err error) {
		b.pushed, err = b.Pusher.Push(ctx, b.target(ctx), b.archivePath(), b.work, output)
		return err
	})
	_ = output.Close() // writes to the log, which keeps its own error
	if err != nil {
		return b.pushFailed(err)
	}
	b.log.Info("pushed %s", b.byDigest())
	close(b.pushDone)
	return nil
}

func (b *build) reserveForPush() error {
	saved, err := os.Stat(b.archivePath())
	if err != nil {
		return err
	}
	trimmed, err := b.space().ForPush(b.keep(b.parameters, b.folder.ID()), saved.Size())
	b.logTrimmed(trimmed)
	return err
}

// recordPushed removes the archive, and records the image, its signatures and the
// statement about its contents.
func (b *build) recordPushed(context.Context) error {
	if err := os.RemoveAll(b.archivePath()); err != nil {
		return err
	}
	return b.note(func(r *record.Record) {
		r.ImageDigest = b.pushed.Digest
		r.Signatures = append(r.Signatures, b.signatures...)
		r.Attestations = append(r.Attestations, b.stated)
	})
}

// concurrently returns a function that runs the lists at the same time. The first error
// cancels the others.
func concurrently(lists ...do) func(*build, context.Context) error {
	return func(b *build, ctx context.Context) error {
		all, each := errgroup.WithContext(ctx)
		for _, list := range lists {
			all.Go(func() error { return b.runAll(each, list) })
		}
		return all.Wait()
	}
}

// pushFailed returns the error of a push or of moving a tag with its command line:
// that of the login if the registry refused it.
func (b *build) pushFailed(err error) error {
	command := pushCommand(b.invocation())
	if errors.As(err, new(*signature.AccessError)) {
		command = loginCommand(b.parameters.Registry())
	}
	return attempt(command, signing.Advise(err))
}

// target returns the repository that is pushed to. ctx is one of withProgress.
func (b *build) target(ctx context.Context) push.Target {
	return push.Target{
		Repository: b.parameters.Repository(),
		Access:     b.signRequest(ctx, "").Access(),
	}
}

// peerRegistry names the registry for withProgress.
func (b *build) peerRegistry() string { return "the registry " + b.parameters.Registry() }
