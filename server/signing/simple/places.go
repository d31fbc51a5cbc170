package simple

// The two places for signatures: the registry, if it takes them, or our store.

import (
	"context"

	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature/registry"
	"github.com/opensbs/sbs/signature/simple"
)

// Store is a lookaside store: it keeps the signatures of registries that take
// none. An image in it is called <namespaces>/<name>@sha256=<hex>.
type Store interface {
	// Signatures are those of one image, in the order they came; none is no error.
	Signatures(image string) ([][]byte, error)
	// AddSignature keeps one more, durably.
	AddSignature(image string, signature []byte) error
}

// place is where the signatures of one manifest are kept.
type place interface {
	list(ctx context.Context) ([][]byte, error)
	add(ctx context.Context, signature []byte) error
	String() string
}

func (s *Signer) place(ctx context.Context, repository *registry.Repository, image signing.Image) (place, error) {
	keeps, err := repository.KeepsSignatures(ctx)
	if err != nil {
		return nil, err
	}
	if keeps {
		return &extension{repository, image.Digest}, nil
	}
	return &lookaside{s.store, simple.LookasideName(image.Repository, image.Digest)}, nil
}

type lookaside struct {
	store Store
	image string
}

func (l *lookaside) list(context.Context) ([][]byte, error) { return l.store.Signatures(l.image) }

func (l *lookaside) add(_ context.Context, signature []byte) error {
	return l.store.AddSignature(l.image, signature)
}

func (*lookaside) String() string { return "the lookaside store of this server" }

type extension struct {
	repository *registry.Repository
	digest     string
}

func (e *extension) list(ctx context.Context) ([][]byte, error) {
	return e.repository.Signatures(ctx, e.digest)
}

func (e *extension) add(ctx context.Context, signature []byte) error {
	return e.repository.AddSignature(ctx, e.digest, signature)
}

func (*extension) String() string { return "the registry" }
