package verify

// What is in the manifest and in the registry must be one.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/opensbs/sbs/api/manifest"
)

// checkCopiesAgree compares byte by byte.
func checkCopiesAgree(ctx context.Context, a *audit) (string, error) {
	var same []string
	for _, k := range []kind{provenanceKind(), sbomKind()} {
		if a.Trust.Attestations == nil || !slices.Contains(a.Trust.Published, k.name) || slices.Contains(a.Skip, k.name) {
			continue
		}
		copied, err := a.inManifest(k)
		if err != nil {
			return "", err
		}
		published, err := a.stated(ctx, k)
		if err != nil {
			return "", fmt.Errorf("%s: %w", k.name, err)
		}
		if !bytes.Equal(copied.text, published[0].text) {
			return "", fmt.Errorf("the %s in the registry is another than data/%s", k.name, k.file)
		}
		same = append(same, k.name)
	}
	if err := a.sameDocument(); err != nil {
		return "", err
	}
	if len(same) == 0 {
		return "", &uncheckedError{"no attestation is expected in the registry"}
	}
	return strings.Join(same, " and "), nil
}

// sameDocument compares the bill of materials that lies in the manifest without
// its envelope, which is what people read, with the signed one.
func (a *audit) sameDocument() error {
	plain, ok := a.contents.Summary.Data[manifest.SBOMDocument]
	if !ok || a.Trust.Attestations == nil || slices.Contains(a.Skip, PartSBOM) {
		return nil
	}
	signed, err := a.inManifest(sbomKind())
	if err != nil {
		return err
	}
	if sha256.Sum256(signed.Predicate) != plain {
		return fmt.Errorf("data/%s is not what is signed in data/%s", manifest.SBOMDocument, manifest.SBOM)
	}
	return nil
}
