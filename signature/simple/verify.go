package simple

// The verifier: from a name to a digest that the key's owner signed.

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/registry"
)

// verifyLimit bounds one Verify with all its requests.
const verifyLimit = 2 * time.Minute

// Verifier requires the signature of one key. It is safe for concurrent use.
type Verifier struct {
	// Key is who must have signed.
	Key Key
	// Lookaside is where the signatures lie: an absolute path, or a URL (file,
	// https, or http for loopback). Empty: in the registry.
	Lookaside string
}

// Verify checks the image in its registry. The error is a *signature.Error with
// one of that package's reasons in it, or the cause for which ctx ended.
func (v Verifier) Verify(ctx context.Context, request signature.Request) (signature.Verified, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, verifyLimit, errors.New("not done after "+verifyLimit.String()))
	defer cancel()
	digest, keyID, err := v.verify(ctx, request)
	if err != nil {
		return signature.Verified{}, &signature.Error{Image: request.Reference, Method: api.SigningSimple, Err: err}
	}
	return signature.Verified{Reference: request.Reference, Digest: digest, Method: api.SigningSimple, KeyID: keyID}, nil
}

func (v Verifier) verify(ctx context.Context, request signature.Request) (digest, keyID string, err error) {
	if err := request.Validate(); err != nil {
		return "", "", err
	}
	if len(v.Key.ring) == 0 {
		return "", "", errors.New("no OpenPGP key was given")
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
	stored, where, err := v.stored(ctx, repository, request, digest)
	if err != nil {
		return "", "", err
	}
	keyID, err = v.signedBy(stored, request.Name(), digest)
	if err == nil && keyID == "" {
		err = &signature.UnsignedError{Where: where}
	}
	return digest, keyID, err
}

// stored are the signatures that are attached to the manifest.
func (v Verifier) stored(ctx context.Context, repository *registry.Repository, request signature.Request, digest string) (signatures [][]byte, where string, err error) {
	if v.Lookaside != "" {
		// The store of a mirror may have been copied with its names.
		names := []string{LookasideName(request.Reference.Repository, digest), LookasideName(request.Name().Repository, digest)}
		for _, name := range slices.Compact(names) {
			found, err := lookaside(ctx, v.Lookaside, name, request.Access)
			if err != nil {
				return nil, "", err
			}
			signatures = append(signatures, found...)
		}
		return signatures, "the lookaside store", nil
	}
	keeps, err := repository.KeepsSignatures(ctx)
	if err != nil {
		return nil, "", err
	}
	if !keeps {
		return nil, "the registry, which keeps none,", nil
	}
	signatures, err = repository.Signatures(ctx, digest)
	return signatures[:min(len(signatures), maxSignatures)], "the registry", err
}

// signedBy returns who signed the image in one of the signatures: nobody where
// there are none.
func (v Verifier) signedBy(stored [][]byte, asked signature.Reference, digest string) (keyID string, err error) {
	var reasons []error
	for _, message := range stored {
		claim, signer, err := Open(v.Key, message, time.Now())
		if err == nil {
			err = claim.covers(asked, digest)
		}
		switch {
		case err == nil:
			return signer, nil
		case errors.Is(err, ErrOtherKey):
			err = &signature.OtherKeyError{Want: v.Key.ID()}
		case signer != "" && claim == (Claim{}):
			err = &signature.MalformedError{Err: err}
		}
		reasons = append(reasons, err)
	}
	return "", signature.MostSpecific(reasons)
}

// covers returns why a claim is not one about the requested image and has the
// digest.
func (c Claim) covers(asked signature.Reference, digest string) error {
	if c.Digest != digest {
		return &signature.OtherDigestError{Signed: c.Digest, Found: digest}
	}
	if asked.Tag != "" && c.Reference == asked.Repository+":"+asked.Tag {
		return nil
	}
	signed, err := reference.ParseNormalizedNamed(c.Reference)
	if asked.Tag == "" && err == nil && signed.Name() == asked.Repository && strings.HasPrefix(c.Reference, asked.Repository) {
		return nil
	}
	return &signature.OtherNameError{Signed: c.Reference}
}
