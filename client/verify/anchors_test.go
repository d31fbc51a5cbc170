package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api/provenance"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/client/verify"
)

// TestOperatorAnchors: the keys and CAs that the operator gave are named, by the
// provenance or by the build record, which must agree, and never refused by
// source_anchors, which is about the developer's.
func TestOperatorAnchors(t *testing.T) {
	known := record.Anchor{Name: "SBS_KNOWN_HOSTS", SHA256: strings.Repeat("0a", 32)}
	bundle := record.Anchor{Name: "SBS_CA_BUNDLE", SHA256: strings.Repeat("0b", 32)}
	other := record.Anchor{Name: "SBS_CA_BUNDLE", SHA256: strings.Repeat("0c", 32)}
	s := newServer(t)
	address, account := withReferrers(t)
	for name, test := range map[string]struct {
		recorded, stated []record.Anchor // nil: an older server's
		skip             string
		want             []record.Anchor
		fails            bool
	}{
		"an older server":          {nil, nil, "", nil, false},
		"none":                     {[]record.Anchor{}, nil, "", []record.Anchor{}, false},
		"both":                     {[]record.Anchor{known, bundle}, []record.Anchor{known, bundle}, "", []record.Anchor{known, bundle}, false},
		"the provenance alone":     {[]record.Anchor{bundle}, []record.Anchor{bundle}, verify.PartManifest, []record.Anchor{bundle}, false},
		"the record alone":         {[]record.Anchor{bundle}, []record.Anchor{bundle}, verify.PartProvenance, []record.Anchor{bundle}, false},
		"none in the record":       {[]record.Anchor{}, []record.Anchor{bundle}, "", []record.Anchor{}, true},
		"none in the provenance":   {[]record.Anchor{bundle}, nil, "", []record.Anchor{bundle}, true},
		"another text":             {[]record.Anchor{bundle}, []record.Anchor{other}, "", []record.Anchor{bundle}, true},
		"one more in the record":   {[]record.Anchor{bundle, known}, []record.Anchor{bundle}, "", []record.Anchor{bundle, known}, true},
		"twice, as the others see": {[]record.Anchor{bundle, bundle}, []record.Anchor{bundle}, "", []record.Anchor{bundle, bundle}, true},
	} {
		w := s.build(t, address, account, changes{
			record: func(r map[string]any) {
				r["enclave"] = "contract"
				if test.recorded != nil {
					r["operator_anchors"] = test.recorded
				}
			},
			predicate: func(p *provenance.Predicate) {
				p.BuildDefinition.InternalParameters = map[string]string{"builder": "buildkit"}
				for _, anchor := range test.stated {
					p.BuildDefinition.InternalParameters[provenance.OperatorAnchor+anchor.Name] = anchor.SHA256
				}
			},
		})
		w.Trust.SourceAnchors = verify.AnchorsNone
		if test.skip != "" {
			w.Skip = []string{test.skip}
		}
		report := w.run()
		if (report.OperatorAnchors == nil) != (test.want == nil) || !slices.Equal(report.OperatorAnchors, test.want) {
			t.Errorf("%s: %v, want %v", name, report.OperatorAnchors, test.want)
		}
		if failed := outcomes(report)["source"] == verify.Failed; failed != test.fails || failed != (report.Outcome == verify.Failed) {
			t.Errorf("%s: %s", name, report.Text())
		}
		for _, anchor := range test.want {
			if text := report.Text(); test.skip != verify.PartProvenance && !test.fails && !strings.Contains(text, anchor.Name+" (sha256:"+anchor.SHA256+")") {
				t.Errorf("%s: the source row does not name %s:\n%s", name, anchor.Name, text)
			}
		}
	}
}

// TestSandboxOfTheServer: what the server's machine refused to the sandbox is named.
func TestSandboxOfTheServer(t *testing.T) {
	s := newServer(t)
	address, account := withReferrers(t)
	for _, missing := range []string{"", "a user id of its own (the server is not root)"} {
		w := s.build(t, address, account, changes{record: func(r map[string]any) {
			if missing != "" {
				r["sandbox_missing"] = []string{missing}
			}
		}})
		for _, row := range w.run().Checks {
			named := strings.Contains(row.Found, "confined what reads Dockerfiles and images without "+missing)
			if row.Check == "build record" && (row.Outcome != verify.Passed || named != (missing != "")) {
				t.Errorf("missing %q: %+v", missing, row)
			}
		}
	}
}
