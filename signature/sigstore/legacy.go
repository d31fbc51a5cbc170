package sigstore

// The older form: an image of signatures under the tag sha256-<hex>.sig.

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/registry"
)

const (
	maxLayers  = 128      // signatures of one image in the tag
	maxPayload = 64 << 10 // bytes; a payload takes some hundred
)

// LegacyTag returns the tag of the signatures of the manifest with the digest.
func LegacyTag(digest string) string { return strings.Replace(digest, ":", "-", 1) + ".sig" }

// VerifyLegacy reports whether the key signed the manifest with the digest, in the
// older form, under the requested name: nil, or why not.
func (v Verifier) VerifyLegacy(ctx context.Context, repository *registry.Repository, asked signature.Reference, digest string) error {
	reasons, signed, err := v.verifyLegacy(ctx, repository, asked, digest)
	if err != nil || signed {
		return err
	}
	if reason := signature.MostSpecific(reasons); reason != nil {
		return reason
	}
	return &signature.UnsignedError{Where: "the registry"}
}

// verifyLegacy returns why each signature in the tag does not count, and whether
// there was one that does.
func (v Verifier) verifyLegacy(ctx context.Context, repository *registry.Repository, asked signature.Reference, digest string) (reasons []error, signed bool, err error) {
	image, err := remote.Image(repository.Name.Tag(LegacyTag(digest)), repository.Options(ctx)...)
	if registry.IsAbsent(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("get the signatures in the tag %s: %w", LegacyTag(digest), repository.Explain(ctx, err))
	}
	manifest, err := image.Manifest()
	if err != nil {
		return nil, false, fmt.Errorf("get the signatures in the tag %s: %w", LegacyTag(digest), err)
	}
	for _, layer := range manifest.Layers[:min(len(manifest.Layers), maxLayers)] {
		if layer.MediaType != LegacyType {
			continue
		}
		payload, err := fetchLayer(image, layer, maxPayload)
		if err != nil {
			return nil, false, fmt.Errorf("get a signature in the tag %s: %w", LegacyTag(digest), repository.Explain(ctx, err))
		}
		if reason := v.verifyLayer(layer, payload, asked, digest); reason != nil {
			reasons = append(reasons, reason)
			continue
		}
		return nil, true, nil
	}
	return reasons, false, nil
}

func (v Verifier) verifyLayer(layer v1.Descriptor, payload []byte, asked signature.Reference, digest string) error {
	made, err := base64.StdEncoding.DecodeString(layer.Annotations[LegacyAnnotation])
	if err != nil || v.Key.Verify(payload, made) != nil {
		return &signature.OtherKeyError{Want: v.Key.ID()}
	}
	claim, err := decodeLegacy(payload)
	if err != nil {
		return &signature.MalformedError{Err: err}
	}
	if claim.Digest != digest {
		return &signature.OtherDigestError{Signed: claim.Digest, Found: digest}
	}
	if !claim.names(asked) {
		return &signature.OtherNameError{Signed: claim.Reference}
	}
	return nil
}

// names reports whether the claim is about the repository, and about the tag if
// both have one.
func (c LegacyClaim) names(asked signature.Reference) bool {
	tag, tagged := strings.CutPrefix(c.Reference, asked.Repository+":")
	return c.Reference == asked.Repository || tagged && (asked.Tag == "" || tag == asked.Tag)
}
