package verify_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/provenance"
	"github.com/opensbs/sbs/client/verify"
	"github.com/opensbs/sbs/server/signing/sigstore"
	"github.com/opensbs/sbs/test/gitfolder"
	"github.com/opensbs/sbs/test/kit/memstore"
)

// flipped changes one bit in the middle.
func flipped(text []byte) []byte {
	changed := bytes.Clone(text)
	changed[len(changed)/2] ^= 1
	return changed
}

// only changes the bundle of one kind.
func only(kind string, change func([]byte) []byte) func(string, []byte) []byte {
	return func(name string, text []byte) []byte {
		if name == kind {
			return change(text)
		}
		return text
	}
}

func nothing([]byte) []byte { return nil }

// One thing is changed, and the rows that are about it fail, and no other.
func TestTampered(t *testing.T) {
	s := newServer(t)
	otherSigner := sigstore.New(memstore.New())
	address, account := withReferrers(t)
	set := func(key string, value any) func(map[string]any) {
		return func(record map[string]any) { record[key] = value }
	}
	for name, test := range map[string]struct {
		changes
		fails []string // rows
		says  string   // the first of them
	}{
		"the tag was moved": {changes{after: func(w *fixture) {
			w.push("latest")
		}}, []string{"signature simple", "signature sigstore", "signature sigstore-legacy", "build record", "provenance", "bill of materials"}, "it is not signed"},
		"the tag was moved to another signed image": {changes{after: func(w *fixture) {
			before, trusted := w.image, w.Trust
			w.image = w.push("other")
			w.sign(changes{})
			w.Trust = trusted
			image, err := remote.Image(w.name.Tag("other"), w.options()...)
			w.must(err)
			w.must(remote.Write(w.name.Tag("latest"), image, w.options()...))
			w.image = before
		}}, []string{"signature simple", "signature sigstore-legacy", "build record", "provenance", "bill of materials"}, "under another name"},

		"a simple signature":                   {changes{simple: flipped}, []string{"signature simple"}, ""},
		"no simple signature":                  {changes{after: func(w *fixture) { w.Lookaside = t.TempDir() }}, []string{"signature simple"}, "it is not signed"},
		"a bundle":                             {changes{bundle: only("signature", flipped)}, []string{"signature sigstore"}, ""},
		"no bundle":                            {changes{bundle: only("signature", nothing)}, []string{"signature sigstore"}, "it is not signed"},
		"an older signature by another signer": {changes{legacy: func(*sigstore.Signer) *sigstore.Signer { return otherSigner }}, []string{"signature sigstore-legacy"}, "not with the key"},
		"the provenance at the image":          {changes{bundle: only("provenance", flipped)}, []string{"provenance", "copies"}, "has none by the key"},
		"no provenance at the image":           {changes{bundle: only("provenance", nothing)}, []string{"provenance", "copies"}, "has none by the key"},
		"the SBOM at the image":                {changes{bundle: only("sbom", flipped)}, []string{"bill of materials", "copies"}, "has none by the key"},
		"no SBOM at the image":                 {changes{bundle: only("sbom", nothing)}, []string{"bill of materials", "copies"}, "has none by the key"},
		"a bill that is not the named one":     {changes{sbom: func([]byte) []byte { return []byte(`{"spdxVersion":"SPDX-2.3","packages":[]}`) }}, []string{"bill of materials", "copies"}, "the provenance has"},
		"a bill that is none":                  {changes{sbom: func([]byte) []byte { return []byte(`{}`) }, predicate: func(p *provenance.Predicate) { p.RunDetails.Byproducts[1].Digest = digestOf([]byte("{}")) }}, []string{"bill of materials", "copies"}, "no SPDX document"},
		"the provenance in the manifest":       {changes{copies: func(copies map[string][]byte) { copies[manifest.Provenance] = flipped(copies[manifest.Provenance]) }}, []string{"copies"}, "data/provenance"},
		"the bill's copy in the manifest":      {changes{copies: func(copies map[string][]byte) { copies[manifest.SBOM] = copies[manifest.Provenance] }}, []string{"copies"}, "data/sbom.sigstore.json is of the type"},
		"the bill's document":                  {changes{copies: func(copies map[string][]byte) { copies[manifest.SBOMDocument] = []byte("{}") }}, []string{"copies"}, "data/sbom.spdx.json"},
		"another builder":                      {changes{predicate: func(p *provenance.Predicate) { p.RunDetails.Builder.ID = provenance.BuilderID("simulated") }}, []string{"builder"}, "simulated"},
		"another repository of the source":     {changes{predicate: func(p *provenance.Predicate) { p.BuildDefinition.ExternalParameters["GITHUB_URL"] = "git@evil:x" }}, []string{"source"}, "git@evil:x"},
		"another commit in the provenance": {changes{predicate: func(p *provenance.Predicate) {
			p.BuildDefinition.ResolvedDependencies[0].Digest[provenance.GitCommit] = strings.Repeat("0b", 20)
		}}, []string{"source"}, "0b0b"},
		"another base in the provenance": {changes{predicate: func(p *provenance.Predicate) {
			p.BuildDefinition.ResolvedDependencies[1].Digest[provenance.SHA256] = strings.Repeat("0b", 32)
		}}, []string{"base images"}, "0b0b"},
		"another log in the provenance":     {changes{predicate: func(p *provenance.Predicate) { p.RunDetails.Byproducts[0].Digest = digestOf(nil) }}, []string{"build log"}, "the provenance has"},
		"a provenance without a log":        {changes{predicate: func(p *provenance.Predicate) { p.RunDetails.Byproducts = p.RunDetails.Byproducts[1:] }}, []string{"build log"}, "does not name a log"},
		"a byte of the manifest":            {changes{manifest: flipped}, []string{"manifest"}, ""},
		"the manifest is cut":               {changes{manifest: func(text []byte) []byte { return text[:len(text)/2] }}, []string{"manifest"}, "not a signed manifest"},
		"no manifest":                       {changes{after: func(w *fixture) { w.Manifest = "" }}, []string{"manifest"}, "--skip manifest"},
		"a manifest that is not there":      {changes{after: func(w *fixture) { w.Manifest += "x" }}, []string{"manifest"}, "no such file"},
		"a manifest with another key":       {changes{after: func(w *fixture) { w.Trust.Manifest = w.Trust.Attestations }}, []string{"manifest"}, "RSA"},
		"a build that failed":               {changes{record: set("status", "exiting due to x")}, []string{"build record"}, "exiting due to x"},
		"the manifest of another image":     {changes{record: set("image_digest", "sha256:"+strings.Repeat("0", 64))}, []string{"build record"}, "another image"},
		"the manifest of another place":     {changes{record: set("repository", "docker.io/evil/app")}, []string{"build record"}, "docker.io/evil/app"},
		"the manifest of another build":     {changes{record: set("build_name", "other")}, []string{"build record"}, `"other"`},
		"another commit in the record":      {changes{record: set("commit", strings.Repeat("1", 40))}, []string{"commit"}, "the record has"},
		"no submodule in the record":        {changes{record: set("submodules", nil)}, []string{"commit"}, "the submodules are"},
		"a base image more in the record":   {changes{record: set("base_images", []map[string]any{})}, []string{"base images"}, "the provenance"},
		"a byte of the log":                 {changes{log: func(text string) string { return string(flipped([]byte(text))) }}, []string{"build log"}, "the provenance has"},
		"a byte of a file":                  {changes{git: func(s gitfolder.Sample) { s.FlipBit("Dockerfile", 2) }}, []string{"commit"}, `"Dockerfile" is not what`},
		"a byte of a Git object":            {changes{git: func(s gitfolder.Sample) { s.FlipBit(s.Pack(".git")+".pack", 40) }}, []string{"commit"}, ".pack"},
		"a file besides the commit's":       {changes{git: func(s gitfolder.Sample) { s.Members["evil"] = gitfolder.File("") }}, []string{"commit"}, `"evil" is among the files`},
		"a setting of Git that runs things": {changes{git: func(s gitfolder.Sample) { s.Members[".git/config"] = gitfolder.File("[core]\n\tfsmonitor = x\n") }}, []string{"commit"}, "core.fsmonitor"},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.build(t, address, account, test.changes)
			report := w.run()
			var fails []string
			for _, row := range report.Checks {
				if row.Outcome == verify.Failed {
					fails = append(fails, row.Check)
				}
				if row.Check == test.fails[0] && !strings.Contains(row.Found, test.says) {
					t.Errorf("the row %q has %q, want %q in it", row.Check, row.Found, test.says)
				}
			}
			slices.Sort(fails)
			slices.Sort(test.fails)
			if !slices.Equal(fails, test.fails) {
				t.Errorf("failed: %q, want %q\n%s", fails, test.fails, report.Text())
			}
		})
	}
}

// A check that depends on a failed one is never reported as passed.
func TestDependentChecksAreNotPassed(t *testing.T) {
	s := newServer(t)
	address, account := withReferrers(t)
	w := s.build(t, address, account, changes{manifest: flipped, bundle: only("provenance", nothing)})
	want := map[string]string{
		"signature dct": verify.NotChecked,
		"manifest":      verify.Failed, "build record": verify.NotChecked, "commit": verify.NotChecked,
		"build log": verify.NotChecked, "base images": verify.NotChecked, "copies": verify.NotChecked,
		"provenance": verify.Failed, "builder": verify.NotChecked, "source": verify.NotChecked,
	}
	if got := outcomes(w.run()); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Bundles of another signer that are attached to the image change no result.
func TestBundlesOfOtherSigners(t *testing.T) {
	s := newServer(t)
	address, account := withReferrers(t)
	w := s.build(t, address, account, changes{})
	otherSigner := sigstore.New(memstore.New())
	for _, kind := range []string{"https://sigstore.dev/cosign/sign/v1", provenance.PredicateType, spdx} {
		text, _, err := otherSigner.Attest(t.Context(), w.image, kind, []byte("{}"))
		w.must(err)
		_, err = otherSigner.Attach(t.Context(), w.request(), kind, text)
		w.must(err)
	}
	if got := outcomes(w.run()); !maps.Equal(got, untouched()) {
		t.Errorf("got %v", got)
	}
}

// An image that was built twice, bit for bit, has two of everything; the
// manifest decides, and without one the newest provenance.
func TestBuiltTwice(t *testing.T) {
	s := newServer(t)
	address, account := withReferrers(t)
	w := s.build(t, address, account, changes{})
	first := w.Request
	later := func(p *provenance.Predicate) {
		p.RunDetails.Metadata.InvocationID = "later"
		p.RunDetails.Metadata.FinishedOn = p.RunDetails.Metadata.FinishedOn.AddDate(0, 0, 1)
	}
	w.state(changes{predicate: later})
	for name, request := range map[string]verify.Request{"the first manifest": first, "the second manifest": w.Request} {
		w.Request = request
		if got := outcomes(w.run()); !maps.Equal(got, untouched()) {
			t.Errorf("%s: %v", name, got)
		}
	}
	w.Skip = []string{verify.PartManifest}
	report := w.run()
	i := slices.IndexFunc(report.Checks, func(row verify.Row) bool { return row.Check == "provenance" })
	if !strings.Contains(report.Checks[i].Found, "later") {
		t.Errorf("without a manifest: %s", report.Checks[i].Found)
	}
}

// A context that ends, ends it, and is no verdict.
func TestContextEnds(t *testing.T) {
	s := newServer(t)
	address, account := withReferrers(t)
	w := s.build(t, address, account, changes{})
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if report, err := verify.Run(ctx, w.Request); !errors.Is(err, gone) || report.Outcome != "" {
		t.Errorf("%+v, %v", report, err)
	}
}
