package verify

// By which keys and CAs the git host was known: those that the developer gave, and
// those of the server's operator.

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/opensbs/sbs/api/provenance"
	"github.com/opensbs/sbs/api/record"
)

// AnchorsNone is the value of Trust.SourceAnchors that accepts no anchor of the
// developer's.
const AnchorsNone = "none"

// developersAnchors returns the parameters, of those that were given, by which
// the developer names the git host.
func developersAnchors(parameters map[string]any) []string {
	anchors := []string{}
	for _, key := range []string{"GITHUB_CA", "GITHUB_KNOWN_HOSTS"} {
		if _, given := parameters[key]; given {
			anchors = append(anchors, key)
		}
	}
	return anchors
}

// stateOperatorsAnchors reads the operator's anchors in the provenance, which must
// be those of the build record where that was verified.
func (a *audit) stateOperatorsAnchors() error {
	stated := []record.Anchor{}
	for name, digest := range a.provenance.BuildDefinition.InternalParameters {
		if anchor, ok := strings.CutPrefix(name, provenance.OperatorAnchor); ok {
			stated = append(stated, record.Anchor{Name: anchor, SHA256: digest})
		}
	}
	sortAnchors(stated)
	if a.recordsAnchors() {
		recorded := slices.Clone(a.record.OperatorAnchors)
		sortAnchors(recorded)
		if !slices.Equal(stated, recorded) {
			return fmt.Errorf("the operator's keys and CAs are %q in the provenance, and %q in the build record", anchorsText(stated), anchorsText(recorded))
		}
	}
	if len(stated) > 0 {
		a.operators = stated
	}
	return nil
}

// recordsAnchors reports whether the build record was verified and has the
// operator's anchors: older servers did not write them.
func (a *audit) recordsAnchors() bool {
	return a.passed[checkBuild] && a.record.OperatorAnchors != nil
}

// operatorsAnchors returns the operator's anchors, or nil where they are not known.
func (a *audit) operatorsAnchors() []record.Anchor {
	if a.recordsAnchors() {
		return a.record.OperatorAnchors
	}
	return a.operators
}

func sortAnchors(anchors []record.Anchor) {
	slices.SortFunc(anchors, func(a, b record.Anchor) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.SHA256, b.SHA256))
	})
}

func anchorsText(anchors []record.Anchor) string {
	var texts []string
	for _, anchor := range anchors {
		texts = append(texts, anchor.Name+" (sha256:"+anchor.SHA256+")")
	}
	return strings.Join(texts, " and ")
}
