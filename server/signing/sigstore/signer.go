package sigstore

// The signer, in its two forms.

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature/registry"
)

// signLimit bounds one Sign with all its requests.
const signLimit = 30 * time.Minute

// Signer signs with the key of one sealed store, in one of the two forms. It is
// safe for concurrent use; signatures wait for each other, so that the key is
// made once and what is added to a tag is not lost.
type Signer struct {
	keys   Keys
	turn   chan struct{}
	method string
	attach func(context.Context, key, *registry.Repository, signing.Image) error
}

// New makes a signer over a sealed store that writes bundles.
func New(keys Keys) *Signer {
	return &Signer{keys: keys, turn: make(chan struct{}, 1), method: api.SigningSigstore, attach: attachBundle}
}

// Legacy is a signer with the same key that writes tags sha256-<hex>.sig.
func (s *Signer) Legacy() *Signer {
	return &Signer{keys: s.keys, turn: s.turn, method: api.SigningSigstoreLegacy, attach: addLegacy}
}

// Sign signs the image, which must be in the registry, and returns the public
// key: PEM (SubjectPublicKeyInfo), with the hex SHA-256 of its DER as id.
// progress gets lines of text for the build log. Signing again is always safe.
// When ctx ends, Sign ends promptly with its cause.
func (s *Signer) Sign(ctx context.Context, request signing.Request, progress io.Writer) (signing.PublicKey, error) {
	if err := request.Image.Validate(); err != nil {
		return signing.PublicKey{}, fmt.Errorf("sign image: %w", err)
	}
	k, err := s.signInTurn(ctx, request)
	if err != nil {
		return signing.PublicKey{}, fmt.Errorf("sign %s with %s: %w", request.Image.Repository, s.method, err)
	}
	_, _ = fmt.Fprintf(progress, "signed %s@%s in the registry\n", request.Image.Repository, request.Image.Digest) // a log's trouble is its own
	return signing.PublicKey{Method: s.method, ID: k.public.ID(), Key: k.public.PEM()}, nil
}

func (s *Signer) signInTurn(ctx context.Context, request signing.Request) (k key, err error) {
	err = s.inTurn(ctx, func(ctx context.Context) error {
		if k, err = openKey(s.keys); err != nil {
			return err
		}
		return inRegistry(ctx, request, func(repository *registry.Repository) error {
			return s.attach(ctx, k, repository, request.Image)
		})
	})
	return k, err
}

// inTurn does something when no other does, in bounded time.
func (s *Signer) inTurn(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, signLimit, fmt.Errorf("not done after %v", signLimit))
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return do(ctx)
}

// inRegistry does something in the image's repository.
func inRegistry(ctx context.Context, request signing.Request, do func(*registry.Repository) error) error {
	repository, err := registry.Open(ctx, request.Image.Repository, request.Access(), registry.Push)
	if err != nil {
		return signing.Advise(err)
	}
	defer repository.Close()
	return signing.Advise(repository.Explain(ctx, do(repository)))
}
