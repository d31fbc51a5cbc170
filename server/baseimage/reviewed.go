package baseimage

// The method that needs no signature: the image was reviewed, and the rule lists its
// digest.

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/registry"
)

// Reviewed returns a verifier of the method api.BaseDigest.
func Reviewed(rule api.BaseRule) (Verifier, error) {
	digests := rule.Digests()
	if len(digests) == 0 {
		return nil, errors.New("it lists no digest")
	}
	return reviewed{digests}, nil
}

type reviewed struct{ digests []string }

// NotReviewedError is an image whose digest the rule does not list.
type NotReviewedError struct{ Found string }

func (e *NotReviewedError) Error() string {
	return fmt.Sprintf("the name leads to %s, which is none of the digests that its rule allows: the tag was moved, or the rule is older than the image", e.Found)
}

// Verify resolves the name in the registry and compares the digest.
func (r reviewed) Verify(ctx context.Context, request signature.Request) (signature.Verified, error) {
	digest, err := r.resolve(ctx, request)
	if err == nil && !slices.Contains(r.digests, digest) {
		err = &NotReviewedError{Found: digest}
	}
	if err != nil {
		return signature.Verified{}, &signature.Error{Image: request.Reference, Method: api.BaseDigest, Err: err}
	}
	return signature.Verified{Reference: request.Reference, Digest: digest, Method: api.BaseDigest}, nil
}

func (reviewed) resolve(ctx context.Context, request signature.Request) (string, error) {
	repository, err := registry.Open(ctx, request.Reference.Repository, request.Access, registry.Pull)
	if err != nil {
		return "", err
	}
	defer repository.Close()
	return repository.Resolve(ctx, request.Reference)
}
