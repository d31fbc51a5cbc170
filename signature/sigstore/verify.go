package sigstore

// The verifier: from a name to a digest that the key's owner signed.

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/registry"
)

// verifyLimit bounds one Verify with all its requests.
const verifyLimit = 2 * time.Minute

// Verifier requires the signature of one key. It is safe for concurrent use.
type Verifier struct {
	// Key is who must have signed.
	Key bundle.Key
	// Form is api.SigningSigstore or api.SigningSigstoreLegacy where only that
	// one counts; empty: either does.
	Form string
}

// Verify checks the image in its registry: bundles first, then the older form;
// the Method of the result is the one that was found. The error is a
// *signature.Error with one of that package's reasons in it, or the cause for
// which ctx ended.
func (v Verifier) Verify(ctx context.Context, request signature.Request) (signature.Verified, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, verifyLimit, errors.New("not done after "+verifyLimit.String()))
	defer cancel()
	digest, method, err := v.verify(ctx, request)
	if err != nil {
		return signature.Verified{}, &signature.Error{Image: request.Reference, Method: api.SigningSigstore, Err: err}
	}
	return signature.Verified{Reference: request.Reference, Digest: digest, Method: method, KeyID: v.Key.ID()}, nil
}

func (v Verifier) verify(ctx context.Context, request signature.Request) (digest, method string, err error) {
	if err := request.Validate(); err != nil {
		return "", "", err
	}
	if v.Key.IsZero() {
		return "", "", errors.New("no public key was given")
	}
	repository, err := registry.Open(ctx, request.Reference.Repository, request.Access, registry.Pull)
	if err != nil {
		return "", "", err
	}
	defer repository.Close()
	digest, err = repository.Resolve(ctx, request.Reference)
	if err != nil {
		return "", "", err
	}
	var reasons []error
	if v.Form != api.SigningSigstoreLegacy {
		refused, signed, err := v.judgeBundles(ctx, repository, digest)
		if err != nil || signed {
			return digest, api.SigningSigstore, err
		}
		reasons = refused
	}
	if v.Form != api.SigningSigstore {
		refused, signed, err := v.verifyLegacy(ctx, repository, request.Name(), digest)
		if err != nil || signed {
			return digest, api.SigningSigstoreLegacy, err
		}
		reasons = append(reasons, refused...)
	}
	reason := signature.MostSpecific(reasons)
	if reason == nil {
		reason = &signature.UnsignedError{Where: "the registry"}
	}
	return "", "", reason
}

// judgeBundles returns why each bundle does not count, and whether there was
// one that does. Bundles that state something else than a signature are none.
func (v Verifier) judgeBundles(ctx context.Context, repository *registry.Repository, digest string) (reasons []error, signed bool, err error) {
	for text, err := range Bundles(ctx, repository, digest) {
		if err != nil {
			return nil, false, err
		}
		statement, err := bundle.Open(v.Key, text)
		switch {
		case err != nil:
			reasons = append(reasons, &signature.OtherKeyError{Want: v.Key.ID()})
		case statement.PredicateType != bundle.SignPredicate:
		case !statement.About(strings.TrimPrefix(digest, "sha256:")):
			reasons = append(reasons, &signature.OtherDigestError{Signed: "sha256:" + statement.Subjects[0].Digest["sha256"], Found: digest})
		default:
			return nil, true, nil
		}
	}
	return reasons, false, nil
}
