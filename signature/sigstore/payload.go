package sigstore

// The payload of the older form (cosign's specs/SIGNATURE_SPEC.md): that of
// simple signing, with a type of its own.

import (
	"encoding/json"
	"fmt"
)

const (
	// LegacyType is the type of a layer that holds such a payload.
	LegacyType = "application/vnd.dev.cosign.simplesigning.v1+json"
	// LegacyAnnotation of the layer is the base64 of the signature over it.
	LegacyAnnotation = "dev.cosignproject.cosign/signature"

	legacyClaim = "cosign container image signature"
)

// LegacyClaim means that the image called Reference is the manifest with the
// Digest.
type LegacyClaim struct {
	// Reference is a repository, or a repository and a tag, in full: cosign
	// names only the repository.
	Reference string
	Digest    string // sha256:<64 hex digits>
}

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
	Optional map[string]any `json:"optional"`
}

// Encode is the payload that states the claim. creator names the program that
// signs.
func (c LegacyClaim) Encode(creator string) ([]byte, error) {
	var payload legacyPayload
	payload.Critical.Identity.Reference = c.Reference
	payload.Critical.Image.Digest = c.Digest
	payload.Critical.Type = legacyClaim
	payload.Optional = map[string]any{"creator": creator}
	text, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode the signature of %s: %w", c.Reference, err)
	}
	return text, nil
}

// decodeLegacy reads a payload after its signature was verified.
func decodeLegacy(text []byte) (LegacyClaim, error) {
	var payload legacyPayload
	if err := json.Unmarshal(text, &payload); err != nil {
		return LegacyClaim{}, fmt.Errorf("read a signature's payload: %w", err)
	}
	if payload.Critical.Type != legacyClaim {
		return LegacyClaim{}, fmt.Errorf("read a signature's payload: its type %.100q is not %q", payload.Critical.Type, legacyClaim)
	}
	return LegacyClaim{payload.Critical.Identity.Reference, payload.Critical.Image.Digest}, nil
}
