package verify

// The provenance: who built the image, and from which source.

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opensbs/sbs/api/provenance"
)

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
		return "", fmt.Errorf("the developer gave keys or CAs of the git host (%s), and the trust file allows none", given)
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
