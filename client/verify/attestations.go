package verify

// The server's attestations of the image: those attached to it in the registry, and
// those in the manifest.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/provenance"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/client/signedmanifest"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/sigstore"
)

// evidence holds the findings of the checks so far.
type evidence struct {
	digest     string // of the image
	contents   signedmanifest.Contents
	record     record.Record
	provenance provenance.Predicate
	enclave    string // kind of it, by the provenance
	// anchors are the parameters in which the developer gave keys or CAs of the git
	// host; nil before they are known.
	anchors []string
	// operators are the anchors of the server's operator by the provenance; nil where
	// it has none.
	operators []record.Anchor
	// published are the bundles attached to the image that the key of attestations
	// signed; nil before they were fetched.
	published []attestation
}

// attestation is a bundle whose signature holds.
type attestation struct {
	bundle.Statement
	text []byte // of the bundle
}

// kind is one kind of attestation.
type kind struct {
	name          string // api.Attestation*
	predicateType string
	file          string // in the manifest's data/
}

func provenanceKind() kind {
	return kind{api.AttestationProvenance, provenance.PredicateType, manifest.Provenance}
}

func sbomKind() kind {
	return kind{api.AttestationSBOM, api.PredicateSPDX, manifest.SBOM}
}

// stated are the server's statements of a kind about the image: those in the
// registry where they are published, else the one in the manifest. An image that
// was built again has several in the registry; the manifest's is then the one.
func (a *audit) stated(ctx context.Context, k kind) ([]attestation, error) {
	copied, missing := a.inManifest(k)
	if !slices.Contains(a.Trust.Published, k.name) {
		return []attestation{copied}, missing
	}
	if err := a.fetch(ctx); err != nil {
		return nil, err
	}
	var found []attestation
	reason := fmt.Errorf("the registry has none by the key %s", a.Trust.Attestations.ID)
	for _, one := range a.published {
		switch {
		case one.PredicateType != k.predicateType:
		case !one.About(strings.TrimPrefix(a.digest, "sha256:")):
			reason = errors.New("the one attached to the image is about another image")
		case missing == nil && bytes.Equal(one.text, copied.text):
			return []attestation{one}, nil
		default:
			found = append(found, one)
		}
	}
	if len(found) == 0 {
		return nil, reason
	}
	return found, nil
}

// inManifest is the manifest's copy of the statement of a kind.
func (a *audit) inManifest(k kind) (attestation, error) {
	if !a.passed[checkManifest] {
		return attestation{}, &missingError{"it is in the manifest only, which was not verified"}
	}
	text, ok := a.contents.Attested[k.file]
	if !ok {
		return attestation{}, fmt.Errorf("the manifest has no data/%s", k.file)
	}
	one, err := a.open(text)
	switch {
	case err != nil:
		return attestation{}, fmt.Errorf("data/%s: %w", k.file, err)
	case one.PredicateType != k.predicateType:
		return attestation{}, fmt.Errorf("data/%s is of the type %.100q", k.file, one.PredicateType)
	case !one.About(strings.TrimPrefix(a.digest, "sha256:")):
		return attestation{}, fmt.Errorf("data/%s is about another image", k.file)
	}
	return one, nil
}

func (a *audit) open(text []byte) (attestation, error) {
	key, err := bundle.ParseKey([]byte(a.Trust.Attestations.Key))
	if err != nil {
		return attestation{}, err
	}
	statement, err := bundle.Open(key, text)
	return attestation{statement, text}, err
}

// fetch gets all bundles attached to the image once. Those of others are
// ignored.
func (a *audit) fetch(ctx context.Context) error {
	if a.published != nil {
		return nil
	}
	published := []attestation{}
	for text, err := range sigstore.Bundles(ctx, a.repository, a.digest) {
		if err != nil {
			return err
		}
		if one, err := a.open(text); err == nil {
			published = append(published, one)
		}
	}
	a.published = published
	return nil
}

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
		return "", &skippedError{"no attestation is expected in the registry"}
	}
	return strings.Join(same, " and "), nil
}

// sameDocument compares the SBOM that is stored in the manifest without its
// envelope, which is what people read, with the signed one.
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
