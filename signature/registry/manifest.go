package registry

// What a reference leads to.

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/opencontainers/go-digest"

	"github.com/opensbs/sbs/signature"
)

// Resolve fetches the manifest that a reference of this repository leads to and
// returns its digest, computed here: sha256:<64 hex digits>. Where the
// reference has a tag and a digest, the tag must lead to the digest. It fails
// with *signature.AbsentError and *signature.OtherDigestError.
func (r *Repository) Resolve(ctx context.Context, reference signature.Reference) (string, error) {
	var wanted name.Reference = r.Name.Tag(reference.Tag)
	if reference.Tag == "" {
		wanted = r.Name.Digest(reference.Digest)
	}
	found, err := remote.Get(wanted, r.Options(ctx)...)
	if IsAbsent(err) {
		return "", &signature.AbsentError{}
	}
	if err != nil {
		return "", fmt.Errorf("get the image's manifest: %w", r.Explain(ctx, err))
	}
	// Not the descriptor's: for manifests of schema 1 that is the value of a header.
	computed := digest.FromBytes(found.Manifest).String()
	if reference.Digest != "" && computed != reference.Digest {
		return "", &signature.OtherDigestError{Signed: reference.Digest, Found: computed}
	}
	return computed, nil
}
