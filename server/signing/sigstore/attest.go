package sigstore

// Attestations: statements about an image that are more than that it is signed.
// Signing one and publishing it are two steps, because not every statement is
// for everybody who can read the registry.

import (
	"context"
	"fmt"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature/registry"
)

// Attest signs the statement that predicate, a JSON object of the meaning that
// predicateType names, is true of the image. It returns the statement as a
// bundle, and the key that verifies it: the one of Sign.
func (s *Signer) Attest(ctx context.Context, image signing.Image, predicateType string, predicate []byte) (content []byte, public signing.PublicKey, err error) {
	if err := image.Validate(); err != nil {
		return nil, signing.PublicKey{}, fmt.Errorf("attest %s: %w", predicateType, err)
	}
	err = s.inTurn(ctx, func(context.Context) error {
		k, err := openKey(s.keys)
		if err != nil {
			return err
		}
		public = signing.PublicKey{Method: api.KeyOfAttestations, ID: k.public.ID(), Key: k.public.PEM()}
		content, err = k.state(image, predicateType, predicate)
		return err
	})
	if err != nil {
		return nil, signing.PublicKey{}, fmt.Errorf("attest %s: %w", predicateType, err)
	}
	return content, public, nil
}

// Attach puts a statement that Attest signed next to the image, which must be in
// the registry, and returns the digest of the referrer that holds it. Attaching
// the same one again changes nothing.
func (s *Signer) Attach(ctx context.Context, request signing.Request, predicateType string, content []byte) (digest string, err error) {
	if err := request.Image.Validate(); err != nil {
		return "", fmt.Errorf("attach %s: %w", predicateType, err)
	}
	err = s.inTurn(ctx, func(ctx context.Context) error {
		return inRegistry(ctx, request, func(repository *registry.Repository) error {
			digest, err = putBundle(ctx, repository, request.Image, predicateType, content)
			return err
		})
	})
	if err != nil {
		return "", fmt.Errorf("attach %s to %s: %w", predicateType, request.Image.Repository, err)
	}
	return digest, nil
}
