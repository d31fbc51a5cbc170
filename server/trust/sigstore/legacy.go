package sigstore

// The older form: an image of signatures under the tag sha256-<hex>.sig
// (cosign's specs/SIGNATURE_SPEC.md), the one that podman and skopeo read.

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/opensbs/sbs/server/trust"
	"github.com/opensbs/sbs/signature/registry"
	"github.com/opensbs/sbs/signature/sigstore"
)

// creator has no version, so that a signature stays the same.
const creator = "sbs-server"

// addLegacy signs each tag of the image, and keeps what others have signed.
func addLegacy(ctx context.Context, k key, repository *registry.Repository, image trust.Image) error {
	tag := repository.Name.Tag(sigstore.LegacyTag(image.Digest))
	signatures, err := remote.Image(tag, repository.Options(ctx)...)
	var refused *transport.Error
	if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
		signatures, err = mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), nil
	}
	if err != nil {
		return fmt.Errorf("get the signatures in tag %s: %w", tag.TagStr(), err)
	}
	for _, imageTag := range image.Tags {
		if signatures, err = withLegacy(k, signatures, image.Repository+":"+imageTag, image.Digest); err != nil {
			return err
		}
	}
	if err := remote.Write(tag, signatures, repository.Options(ctx)...); err != nil {
		return fmt.Errorf("upload the signatures in tag %s: %w", tag.TagStr(), err)
	}
	return nil
}

// withLegacy adds the signature of one reference, if it is not there.
func withLegacy(k key, signatures v1.Image, reference, digest string) (v1.Image, error) {
	text, err := sigstore.LegacyClaim{Reference: reference, Digest: digest}.Encode(creator)
	if err != nil {
		return nil, err
	}
	signature, err := k.sign(text)
	if err != nil {
		return nil, err
	}
	encoded := base64.StdEncoding.EncodeToString(signature)
	manifest, err := signatures.Manifest()
	if err != nil {
		return nil, fmt.Errorf("read the signatures there are: %w", err)
	}
	// Signatures are deterministic: the same one means the same payload.
	if slices.ContainsFunc(manifest.Layers, func(layer v1.Descriptor) bool { return layer.Annotations[sigstore.LegacyAnnotation] == encoded }) {
		return signatures, nil
	}
	return mutate.Append(signatures, mutate.Addendum{
		Layer:       static.NewLayer(text, sigstore.LegacyType),
		MediaType:   sigstore.LegacyType,
		Annotations: map[string]string{sigstore.LegacyAnnotation: encoded},
	})
}
