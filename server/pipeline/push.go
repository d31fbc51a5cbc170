package pipeline

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/engine"
	"github.com/opensbs/sbs/server/panics"
	"github.com/opensbs/sbs/server/push"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature"
)

// Pusher uploads images to their registries.
type Pusher interface {
	// Push uploads the image of an archive of Engine.Save, which no tag leads to
	// afterwards; work is a folder for what it needs meanwhile.
	Push(ctx context.Context, target push.Target, archive, work string, progress io.Writer) (push.Pushed, error)
	// Tag makes tags lead to it. undo is never nil, and puts them back.
	Tag(ctx context.Context, target push.Target, image push.Pushed, tags []string, progress io.Writer) (undo func(context.Context) error, err error)
}

// pushAndSign puts the image into the registry by its digest, signs it there, and
// states what it holds. No tag leads to it yet: see moveTags. The image is saved
// once; pushing and scanning read the same archive, and each step begins as soon
// as what it needs is there.
func (b *build) pushAndSign(ctx context.Context) error {
	archive := filepath.Join(b.work, "image.tar")
	if err := b.saveImage(ctx, archive); err != nil {
		return err
	}
	var (
		pushed     = make(chan struct{})
		signatures []record.Signature
		stated     record.Attestation
	)
	all, each := errgroup.WithContext(ctx)
	all.Go(caught(func() error {
		if err := b.push(each, archive); err != nil {
			return err
		}
		close(pushed)
		var err error
		signatures, err = b.sign(each)
		return err
	}))
	all.Go(caught(func() error {
		found, err := b.lookThrough(each, archive)
		if err != nil {
			return err
		}
		select {
		case <-pushed:
		case <-each.Done():
			return context.Cause(each)
		}
		stated, err = b.attestSBOM(each, found)
		return err
	}))
	if err := errors.Join(all.Wait(), os.RemoveAll(archive)); err != nil {
		return err
	}
	b.tidy.begin(func(ctx context.Context) error { return b.engine.Remove(ctx, b.references()...) })
	return attempt(b.pushCommand(b.references()[0]), b.note(func(r *record.Record) {
		r.ImageDigest = b.pushed.Digest
		r.Signatures = append(r.Signatures, signatures...)
		r.Attestations = append(r.Attestations, stated)
	}))
}

// caught returns do for a goroutine of its own: a panic of it is its error.
func caught(do func() error) func() error {
	return func() error { return panics.Catch(do) }
}

// push uploads the image's content.
func (b *build) push(ctx context.Context, archive string) error {
	command := b.pushCommand(b.references()[0])
	if err := b.makeRoomForPush(archive); err != nil {
		return attempt(command, err)
	}
	output := b.log.Output()
	err := b.withProgress(ctx, b.peerRegistry(), func(ctx context.Context) (err error) {
		b.pushed, err = b.Pusher.Push(ctx, b.target(ctx), archive, b.work, output)
		return err
	})
	_ = output.Close() // writes to the log, which keeps its own error
	if err != nil {
		return b.pushFailed(command, err)
	}
	b.log.Info("pushed %s", b.byDigest())
	return nil
}

// pushFailed names the login where that is what was refused.
func (b *build) pushFailed(command string, err error) error {
	if errors.As(err, new(*signature.AccessError)) {
		command = b.loginCommand()
	}
	return attempt(command, signing.Advise(err))
}

// target is the repository that is pushed to; ctx is one of withProgress.
func (b *build) target(ctx context.Context) push.Target {
	return push.Target{
		Repository: b.parameters.Repository(),
		Access:     b.signRequest(ctx, "").Access(),
	}
}

// peerRegistry is who is waited for, see withProgress.
func (b *build) peerRegistry() string { return "the registry " + b.parameters.Registry() }

func (b *build) pushRegistry() engine.Registry {
	return engine.Registry{
		Server:   b.parameters.Registry(),
		User:     b.parameters.DockerUser,
		Password: string(b.parameters.DockerPassword),
	}
}

func (b *build) loginCommand() string {
	return commandLine("docker", "login", "--username", "<USERNAME>", "--password", "<PASSWORD>", b.parameters.Registry())
}

func (b *build) pushCommand(reference string) string {
	return commandLine("docker", "push", reference)
}
