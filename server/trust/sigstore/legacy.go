package sigstore

// The older form: an image of signatures under the tag sha256-<hex>.sig
// (cosign's specs/SIGNATURE_SPEC.md), the one that podman and skopeo read.

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/opensbs/sbs/server/trust"
	"github.com/opensbs/sbs/signature/registry"
)

const (
	legacyType       = "application/vnd.dev.cosign.simplesigning.v1+json"
	legacyClaim      = "cosign container image signature"
	legacyAnnotation = "dev.cosignproject.cosign/signature" // base64 of the signature over the layer
	creator          = "sbs-server"                         // without a version, so that it stays the same
)

type legacyPayload struct {
	Critical struct {
		Identity struct {
			Reference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			Digest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	Optional struct {
		Creator string `json:"creator"`
	} `json:"optional"`
}

// addLegacy signs each tag of the image, and keeps what others have signed.
func addLegacy(ctx context.Context, k key, repository *registry.Repository, image trust.Image) error {
	tag := repository.Name.Tag(strings.Replace(image.Digest, ":", "-", 1) + ".sig")
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
	var payload legacyPayload
	payload.Critical.Identity.Reference = reference
	payload.Critical.Image.Digest = digest
	payload.Critical.Type = legacyClaim
	payload.Optional.Creator = creator
	text, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode the signature of %s: %w", reference, err)
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
	if slices.ContainsFunc(manifest.Layers, func(layer v1.Descriptor) bool { return layer.Annotations[legacyAnnotation] == encoded }) {
		return signatures, nil
	}
	return mutate.Append(signatures, mutate.Addendum{
		Layer:       static.NewLayer(text, legacyType),
		MediaType:   legacyType,
		Annotations: map[string]string{legacyAnnotation: encoded},
	})
}
