package pipeline

// Tags move last: when the image is signed and attested, all of that was read back, and
// the signed manifest is complete and stored. Deployments by tag get images of
// successful builds only.

import (
	"context"
	"slices"

	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/signing"
)

// moveTags makes both tags lead to the image. A signature of a tag (Docker Content
// Trust) comes right before: a notary server keeps all tags of an image in one file,
// and what a build signed there stays when a later step fails.
//
// The record has TagsMoving before the first of it, durably: after a crash it is not
// known which tags were moved. A build that fails restores those of the registry.
func (b *build) moveTags(ctx context.Context) error {
	if err := b.note(func(r *record.Record) { r.TagsMoving = true }); err != nil {
		return attempt(pushCommand(b.invocation()), err)
	}
	if err := b.signTags(ctx); err != nil {
		return err
	}
	var undo func(context.Context) error
	output := b.log.Output()
	err := b.withProgress(ctx, b.peerRegistry(), func(ctx context.Context) (err error) {
		undo, err = b.Pusher.Tag(ctx, b.target(ctx), b.pushed, b.tags(), output)
		return err
	})
	_ = output.Close() // writes to the log, which keeps its own error
	b.rollback = append(b.rollback, func() error { return b.restoreTags(ctx, undo) })
	if err != nil {
		return b.pushFailed(err)
	}
	return nil
}

// restoreTags does not end with the context of the build: a build that is stopped
// restores the tags too.
func (b *build) restoreTags(ctx context.Context, undo func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	if err := undo(ctx); err != nil {
		return err
	}
	if b.signsTags() {
		return nil // what the notary server has stays
	}
	return b.note(func(r *record.Record) { r.TagsMoving = false })
}

// signsTags reports whether one of the methods signs tags.
func (b *build) signsTags() bool {
	return slices.ContainsFunc(b.parameters.Signing(), func(method string) bool {
		_, ok := b.Signers[method].(TagSigner)
		return ok
	})
}

// signTags signs with the methods that sign tags.
func (b *build) signTags(ctx context.Context) error {
	for _, method := range b.parameters.Signing() {
		if _, ok := b.Signers[method].(TagSigner); !ok {
			continue
		}
		if _, err := b.signBy(ctx, method, Signer.Sign); err != nil {
			return err
		}
	}
	return nil
}

// image returns the pushed image as it is signed.
func (b *build) image() signing.Image {
	return signing.Image{
		Repository: b.parameters.Repository(),
		Tags:       b.tags(),
		Digest:     b.pushed.Digest,
		Size:       b.pushed.Size,
		MediaType:  b.pushed.MediaType,
	}
}
