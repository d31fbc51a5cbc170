package pipeline

import (
	"context"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/trust"
)

// Signer is what the pipeline asks of one way of signing.
type Signer interface {
	Sign(ctx context.Context, request trust.Request, progress io.Writer) (trust.PublicKey, error)
}

// checkSigning refuses ways of signing that this server was not given.
func (p *Pipeline) checkSigning(parameters api.Parameters) error {
	for _, method := range parameters.Signing() {
		if p.Signers[method] == nil {
			return &api.ParameterError{Key: "IMAGE_SIGNING", Problem: "this server can't sign with " + method}
		}
	}
	return nil
}

// sign signs the image in every way that was asked for, beside each other; a
// failure of one is the build's.
func (b *build) sign(ctx context.Context) ([]record.Signature, error) {
	methods := b.parameters.Signing()
	signatures := make([]record.Signature, len(methods))
	all, each := errgroup.WithContext(ctx)
	for i, method := range methods {
		all.Go(func() (err error) {
			signatures[i], err = b.signWith(each, method)
			return err
		})
	}
	return signatures, all.Wait()
}

func (b *build) signWith(ctx context.Context, method string) (record.Signature, error) {
	progress := b.log.output()
	key, err := b.Signers[method].Sign(ctx, b.signRequest(method), progress)
	_ = progress.Close() // writes to the log, which keeps its own error
	if err != nil {
		return record.Signature{}, attempt(b.signCommand(method), err)
	}
	b.log.Info("signed with %s, key %s", method, key.ID)
	return record.Signature{Method: key.Method, PublicKeyID: key.ID, PublicKey: key.Key}, nil
}

func (b *build) signRequest(method string) trust.Request {
	p := b.parameters
	request := trust.Request{
		User:     p.DockerUser,
		Password: string(p.DockerPassword),
		CABundle: b.CABundle,
		Insecure: b.Insecure,
		Image:    b.image(),
	}
	if method == api.SigningDCT {
		request.Notary = p.TrustPushServer
		request.CABundle = joinLines(b.CABundle, []byte(p.TrustCA))
	}
	return request
}

// image is the pushed image, as it is signed and spoken of.
func (b *build) image() trust.Image {
	return trust.Image{
		Repository: b.parameters.Repository(),
		Tags:       b.tags(),
		Digest:     b.pushed.Digest,
		Size:       b.pushed.Size,
	}
}

// signCommand is the signing as a person would have typed it.
func (b *build) signCommand(method string) string {
	reference := b.references()[0]
	byDigest := b.byDigest()
	switch method {
	case api.SigningSimple:
		return commandLine("podman", "image", "sign", "--sign-by", "<KEY>", "docker://"+reference)
	case api.SigningSigstore:
		return commandLine("cosign", "sign", "--key", "<KEY>", byDigest)
	case api.SigningSigstoreLegacy:
		return commandLine("cosign", "sign", "--new-bundle-format=false", "--key", "<KEY>", byDigest)
	}
	return commandLine("docker", "trust", "sign", reference)
}

// byDigest is the pushed image's name that no tag can change.
func (b *build) byDigest() string {
	return b.parameters.Repository() + "@" + b.pushed.Digest
}
