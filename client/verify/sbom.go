package verify

// The SBOM.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/opensbs/sbs/api/provenance"
)

// openSBOM takes the one that the provenance names, where there is a provenance.
func openSBOM(ctx context.Context, a *audit) (string, error) {
	stated, err := a.stated(ctx, sbomKind())
	if err != nil {
		return "", err
	}
	document := stated[len(stated)-1].Predicate
	if named, ok := a.provenance.Byproduct(provenance.NameSBOM); ok && a.passed[checkProvenance] {
		i := slices.IndexFunc(stated, func(one attestation) bool { return sha256Hex(one.Predicate) == named.Digest[provenance.SHA256] })
		if i < 0 {
			return "", fmt.Errorf("its SHA-256 is %s, the provenance has %s", sha256Hex(document), named.Digest[provenance.SHA256])
		}
		document = stated[i].Predicate
	}
	var spdx struct {
		Version  string            `json:"spdxVersion"`
		Packages []json.RawMessage `json:"packages"`
	}
	if err := json.Unmarshal(document, &spdx); err != nil || spdx.Version == "" {
		return "", fmt.Errorf("it is no SPDX document (%v)", err)
	}
	return fmt.Sprintf("%s, %d packages, the image itself included", spdx.Version, len(spdx.Packages)), nil
}

func sha256Hex(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}
