package pipeline

// Tags move last: when the image is signed and attested, all of that was read
// back, and the signed manifest is whole and stored. Whoever deploys by tag gets
// images of successful builds only.

import (
	"context"
	"slices"

	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/signing"
)

// moveTags makes both tags lead to the image. Where a signature is one of the
// tags itself (Docker Content Trust), it comes right before: a notary server keeps
// all tags of an image in one file, and what a build signed there stays when a
// later step fails.
//
// The record says so before the first of it, durably: after a crash nobody knows
// which tags were moved. undo puts back what the registry has.
func (b *build) moveTags(ctx context.Context) (undo func(), err error) {
	nothing := func() {}
	command := b.pushCommand(b.references()[0])
	if err := b.note(func(r *record.Record) { r.TagsMoving = true }); err != nil {
		return nothing, attempt(command, err)
	}
	if err := b.signTags(ctx); err != nil {
		return nothing, err
	}
	var putBack func(context.Context) error
	output := b.log.Output()
	err = b.withProgress(ctx, b.peerRegistry(), func(ctx context.Context) (err error) {
		putBack, err = b.Pusher.Tag(ctx, b.target(ctx), b.pushed, b.tags(), output)
		return err
	})
	_ = output.Close() // writes to the log, which keeps its own error
	undo = func() { b.undoTags(ctx, putBack) }
	if err != nil {
		undo()
		return nothing, b.pushFailed(command, err)
	}
	return undo, nil
}

// undoTags does not end with the build: one that is stopped leaves no tag either.
func (b *build) undoTags(ctx context.Context, putBack func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	if err := putBack(ctx); err != nil {
		b.untidy(err)
		return
	}
	if b.signsTags() {
		return // what a notary server was told stays
	}
	if err := b.note(func(r *record.Record) { r.TagsMoving = false }); err != nil {
		b.untidy(err)
	}
}

func (b *build) signsTags() bool {
	return slices.ContainsFunc(b.parameters.Signing(), func(method string) bool {
		_, ok := b.Signers[method].(TagSigner)
		return ok
	})
}

// signTags signs in the ways that sign tags.
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

// image is the pushed image, as it is signed and spoken of.
func (b *build) image() signing.Image {
	return signing.Image{
		Repository: b.parameters.Repository(),
		Tags:       b.tags(),
		Digest:     b.pushed.Digest,
		Size:       b.pushed.Size,
		MediaType:  b.pushed.MediaType,
	}
}
