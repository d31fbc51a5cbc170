package simple

// The two stores of signatures: the registry, if it accepts them, or our own.

import (
	"context"

	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature/registry"
	"github.com/opensbs/sbs/signature/simple"
)

// Store is a lookaside store: it keeps the signatures of registries that take
// none. An image in it is called <namespaces>/<name>@sha256=<hex>.
type Store interface {
	// Signatures returns those of one image in the order of adding; none is no error.
	Signatures(image string) ([][]byte, error)
	// AddSignature stores one more; it is durable when AddSignature returns.
	AddSignature(image string, signature []byte) error
}

// signatureStore stores the signatures of one manifest.
type signatureStore interface {
	list(ctx context.Context) ([][]byte, error)
	add(ctx context.Context, signature []byte) error
	String() string
}

func (s *Signer) storeFor(ctx context.Context, repository *registry.Repository, image signing.Image) (signatureStore, error) {
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
