package pipeline

import (
	"context"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/panics"
	"github.com/opensbs/sbs/server/progress"
	"github.com/opensbs/sbs/server/signing"
)

// Signer signs images with one method.
type Signer interface {
	Sign(ctx context.Context, request signing.Request, progress io.Writer) (signing.PublicKey, error)
}

// TagSigner is a Signer whose signature makes a tag lead to an image. Prepare does
// what it can before any tag may move, and returns the key.
type TagSigner interface {
	Signer
	Prepare(ctx context.Context, request signing.Request, progress io.Writer) (signing.PublicKey, error)
}

// checkSigning returns an error for methods that this server can't sign with.
func (p *Pipeline) checkSigning(parameters api.Parameters) error {
	for _, method := range parameters.Signing() {
		if p.Signers[method] == nil {
			return &api.ParameterError{Key: "IMAGE_SIGNING", Problem: "this server can't sign with " + method}
		}
	}
	return nil
}

// sign signs the pushed image with every method of the parameters, concurrently, and
// prepares those that sign tags. One failure fails the build.
func (b *build) sign(ctx context.Context) error {
	methods := b.parameters.Signing()
	b.signatures = make([]record.Signature, len(methods))
	all, each := errgroup.WithContext(ctx)
	for i, method := range methods {
		all.Go(func() error {
			return panics.Catch(func() (err error) {
				b.signatures[i], err = b.signWith(each, method)
				return err
			})
		})
	}
	return all.Wait()
}

func (b *build) signWith(ctx context.Context, method string) (record.Signature, error) {
	if _, ok := b.Signers[method].(TagSigner); ok {
		return b.signBy(ctx, method, func(s Signer, ctx context.Context, request signing.Request, progress io.Writer) (signing.PublicKey, error) {
			return s.(TagSigner).Prepare(ctx, request, progress)
		})
	}
	signature, err := b.signBy(ctx, method, Signer.Sign)
	if err == nil {
		b.log.Info("signed with %s, key %s", method, signature.PublicKeyID)
	}
	return signature, err
}

// signFunc is one operation of a signer: Signer.Sign, or TagSigner.Prepare.
type signFunc func(s Signer, ctx context.Context, request signing.Request, progress io.Writer) (signing.PublicKey, error)

func (b *build) signBy(ctx context.Context, method string, sign signFunc) (record.Signature, error) {
	peer := b.peerRegistry()
	if method == api.SigningDCT {
		peer = "the notary server " + b.parameters.TrustPushServer
	}
	var key signing.PublicKey
	output := b.log.Output()
	err := b.withProgress(ctx, peer, func(ctx context.Context) (err error) {
		key, err = sign(b.Signers[method], ctx, b.signRequest(ctx, method), output)
		return err
	})
	_ = output.Close() // writes to the log, which keeps its own error
	if err != nil {
		return record.Signature{}, attempt(signCommand(method, b.references()[0], b.byDigest()), err)
	}
	return record.Signature{Method: key.Method, PublicKeyID: key.ID, PublicKey: key.Key}, nil
}

// signRequest returns the pushed image and how its servers are accessed. ctx is one of
// withProgress.
func (b *build) signRequest(ctx context.Context, method string) signing.Request {
	p := b.parameters
	request := signing.Request{
		Account:  b.pushTo,
		CABundle: b.CABundle,
		Insecure: b.Insecure,
		Image:    b.image(),
		Progress: func() { progress.Report(ctx) },
		Notice:   func(text string) { b.log.Info("%s", text) },
	}
	if method == api.SigningDCT {
		request.Notary = p.TrustPushServer
		request.CABundle = joinLines(b.CABundle, []byte(p.TrustCA))
	}
	return request
}

// byDigest returns the pushed image's name with its digest, which no tag can change.
func (b *build) byDigest() string {
	return b.parameters.Repository() + "@" + b.pushed.Digest
}
