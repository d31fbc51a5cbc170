package verify

// The image, its tag and its signatures.

import (
	"context"
	"errors"
	"fmt"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/dct"
	"github.com/opensbs/sbs/signature/registry"
	"github.com/opensbs/sbs/signature/sigstore"
	"github.com/opensbs/sbs/signature/simple"
)

// verifier verifies the signatures of one method.
type verifier interface {
	Verify(ctx context.Context, request signature.Request) (signature.Verified, error)
}

// findImage resolves the image once: every other check is about this digest,
// and a tag that is moved meanwhile fails them.
func findImage(ctx context.Context, a *audit) (string, error) {
	repository, err := registry.Open(ctx, a.Reference.Repository, a.Access, registry.Pull)
	if err != nil {
		return "", err
	}
	a.repository = repository
	if a.digest, err = repository.Resolve(ctx, a.Reference); err != nil {
		return "", err
	}
	return a.digest, nil
}

func checkDCT(ctx context.Context, a *audit) (string, error) {
	root, err := dct.ParseRoot(a.Trust.signature(api.SigningDCT).Key)
	if err != nil {
		return "", err
	}
	access := a.Access
	if a.Mirrored() {
		access = a.Origin
	}
	access.CABundle = joined(a.Access.CABundle, a.Trust.NotaryCA)
	return a.signed(ctx, dct.Verifier{Server: a.Trust.Notary, Root: root}, access)
}

// joined are both bundles, each of which may lack its last newline.
func joined(bundle []byte, more string) []byte {
	return append(append(append([]byte{}, bundle...), '\n'), more...)
}

func checkSimple(ctx context.Context, a *audit) (string, error) {
	key, err := simple.ParseKey([]byte(a.Trust.signature(api.SigningSimple).Key))
	if err != nil {
		return "", err
	}
	return a.signed(ctx, simple.Verifier{Key: key, Lookaside: a.Lookaside}, a.Access)
}

func checkSigstore(ctx context.Context, a *audit) (string, error) {
	return a.checkSigstoreForm(ctx, api.SigningSigstore)
}

func checkSigstoreLegacy(ctx context.Context, a *audit) (string, error) {
	return a.checkSigstoreForm(ctx, api.SigningSigstoreLegacy)
}

func (a *audit) checkSigstoreForm(ctx context.Context, form string) (string, error) {
	key, err := bundle.ParseKey([]byte(a.Trust.signature(form).Key))
	if err != nil {
		return "", err
	}
	return a.signed(ctx, sigstore.Verifier{Key: key, Form: form}, a.Access)
}

// signed requires a signature of the digest that was found, under the trust file's
// name.
func (a *audit) signed(ctx context.Context, v verifier, access signature.Access) (string, error) {
	pinned := a.Reference
	pinned.Digest = a.digest
	verified, err := v.Verify(ctx, signature.Request{Reference: pinned, SignedAs: a.Trust.Repository, Access: access})
	var refused *signature.Error
	if errors.As(err, &refused) {
		return "", refused.Err // the report names the image and the method
	}
	if err != nil {
		return "", err
	}
	if verified.Digest != a.digest {
		return "", &signature.OtherDigestError{Signed: verified.Digest, Found: a.digest}
	}
	return "key " + verified.KeyID, nil
}

// checkTagIsSigned finds the signature or record that binds the tag to the digest. A
// sigstore signature does not, and a registry is not trusted.
func checkTagIsSigned(_ context.Context, a *audit) (string, error) {
	tag := a.Reference.Tag
	if tag == "" {
		return "", &skippedError{"none was asked for"}
	}
	for _, method := range []string{api.SigningDCT, api.SigningSimple} {
		if a.passed[checkSignature+method] {
			return fmt.Sprintf("%q is in the signature %s", tag, method), nil
		}
	}
	if a.passed[checkBuild] && a.record.ImageTag == tag {
		return fmt.Sprintf("%q is in the build record", tag), nil
	}
	return "", &skippedError{fmt.Sprintf("only the registry resolves %q to this image: use its digest", tag)}
}
