package verify

// What the server states of the image, beside the image in its registry and in
// the manifest.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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

// evidence is what the checks have found so far.
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
	// published are the bundles beside the image that the key of attestations
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

// spdxPredicate is in-toto's name for an SPDX document (in-toto/attestation,
// spec/predicates/spdx.md).
const spdxPredicate = "https://spdx.dev/Document"

func provenanceKind() kind {
	return kind{api.AttestationProvenance, provenance.PredicateType, manifest.Provenance}
}

func sbomKind() kind {
	return kind{api.AttestationSBOM, spdxPredicate, manifest.SBOM}
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
			reason = errors.New("the one beside the image is about another image")
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

// fetch gets all bundles beside the image once. Those of others count for
// nothing.
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

// openProvenance takes the newest of several.
func openProvenance(ctx context.Context, a *audit) (string, error) {
	stated, err := a.stated(ctx, provenanceKind())
	if err != nil {
		return "", err
	}
	var newest provenance.Predicate
	for _, one := range stated {
		parsed, err := provenance.Parse(one.Predicate)
		if err != nil {
			return "", err
		}
		if parsed.RunDetails.Metadata.FinishedOn.After(newest.RunDetails.Metadata.FinishedOn) {
			newest = parsed
		}
	}
	a.provenance, a.enclave = newest, newest.RunDetails.Builder.Enclave()
	return fmt.Sprintf("build %s, signed by the key %s", newest.RunDetails.Metadata.InvocationID, a.Trust.Attestations.ID), nil
}

func checkBuilderID(_ context.Context, a *audit) (string, error) {
	id := a.provenance.RunDetails.Builder.ID
	if a.Trust.Builder != "" && id != a.Trust.Builder {
		return "", fmt.Errorf("it is %s, not %s", id, a.Trust.Builder)
	}
	if a.passed[checkBuild] && a.record.Enclave != "" && a.record.Enclave != a.enclave {
		return "", fmt.Errorf("it names an enclave of the kind %q, the build record %q", a.enclave, a.record.Enclave)
	}
	if a.enclave == simulated {
		return id + ": a SIMULATED enclave, whose owner has its keys; it proves nothing to others", nil
	}
	return id, nil
}

// Kinds of enclaves (package enclave): one that is none, and one that has its
// secrets from the encrypted workload section of a contract.
const (
	simulated = "simulated"
	real      = "contract"
)

// checkSourceOf compares with what the developer typed, which the provenance
// has to the letter, and with what was recomputed.
func checkSourceOf(_ context.Context, a *audit) (string, error) {
	source, ok := a.provenance.Source()
	if !ok {
		return "", errors.New("the provenance names none")
	}
	typed, _ := a.provenance.BuildDefinition.ExternalParameters["GITHUB_URL"].(string)
	commit := source.Digest[provenance.GitCommit]
	switch {
	case a.Trust.Source != "" && typed != a.Trust.Source:
		return "", fmt.Errorf("the repository is %.200q, not %s", typed, a.Trust.Source)
	case a.passed[checkBuild] && a.passed[checkCommit] && commit != a.contents.Source.Commit:
		return "", fmt.Errorf("the commit is %s, the files in the manifest make %s", commit, a.contents.Source.Commit)
	}
	a.anchors = developersAnchors(a.provenance.BuildDefinition.ExternalParameters)
	given := strings.Join(a.anchors, " and ")
	if given != "" && a.Trust.SourceAnchors == AnchorsNone {
		return "", fmt.Errorf("the developer said by which key or CA the git host is known (%s), and the trust file takes no such word", given)
	}
	if err := a.stateOperatorsAnchors(); err != nil {
		return "", err
	}
	found := typed + " at commit " + commit
	if given != "" {
		found += ", from a host known by what the developer gave: " + given
	}
	if operators := a.operatorsAnchors(); len(operators) > 0 {
		found += "; the server's operator gave keys or CAs of hosts: " + anchorsText(operators)
	}
	return found, nil
}

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
			return "", fmt.Errorf("its SHA-256 is %s, the provenance says %s", sha256Hex(document), named.Digest[provenance.SHA256])
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
