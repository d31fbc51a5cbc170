//go:build stack

package e2e

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/provenance"
	"github.com/opensbs/sbs/test/kit"
)

// The tag is moved between the verification and the build: the verified image is
// used.
func TestTagMovedBetweenCheckAndBuild(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	image := v.image("race/base:1")
	checked := v.push(t, image, "the verified image")
	v.signSigstore(t, image)
	commit := env.prepare(t, "race", files{"Dockerfile": "FROM " + image + "\nCOPY --from=" + image + " /vendor /copy\nRUN echo \"this is $(cat /vendor), $(cat /copy).\"\n"},
		policy(map[string]any{"image": "**", "method": "sigstore", "key": v.pem}))
	// The server requests the new image's tag from the engine right before the build.
	reached := kit.HoldAtGate(t, env.Gates.Engine, commit[:7])
	env.StartBuild(t)
	reached()
	if moved := v.push(t, image, "another"); moved == checked {
		t.Fatal("the tag was not moved")
	}
	env.Gates.Engine.Release()
	built := env.Follow(t, kit.Timeout, func(api.Event) {})
	if built.Status.Status != api.StatusSuccess || !strings.Contains(built.Log(), "this is the verified image, the verified image.") {
		t.Errorf("%q (%s):\n%s", built.Status.Status, built.Cause, built.Log())
	}
	if record := env.record(t); len(record.BaseImages) != 1 || record.BaseImages[0].Digest != checked {
		t.Errorf("the record has %+v, want the digest %s", record.BaseImages, checked)
	}
}

// Without a policy, the tag of a COPY --from is moved while the build runs. The
// builder does not report which image it used: the record, the provenance and the
// log report that the digest is unknown, and never the digest that the tag has after
// the build.
func TestTagMovedDuringTheBuild(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	image, marker := v.image("race/copied:1"), "sleep\x001"+sleepMarker("unpinned")
	v.push(t, image, "the first image")
	env.prepare(t, "unpinned", files{"Dockerfile": "FROM " + env.BaseImage + "\nCOPY --from=" + image + " /vendor /copy\nRUN sleep 1" + sleepMarker("unpinned") + "; echo \"this is $(cat /copy).\"\n"}, nil)
	env.StartBuild(t)
	kit.Eventually(t, "the step after COPY --from runs", func() bool { return kit.ProcessRuns(t, marker) })
	moved := v.push(t, image, "another")
	kit.KillProcesses(t, marker)
	built := env.Follow(t, kit.Timeout, func(api.Event) {})
	if built.Status.Status != api.StatusSuccess || !strings.Contains(built.Log(), "this is the first image.") {
		t.Fatalf("%q (%s):\n%s", built.Status.Status, built.Cause, built.Log())
	}
	if !strings.Contains(built.Log(), "the digest of the image "+image+" is not known") {
		t.Errorf("the log does not report that the digest is unknown:\n%s", built.Log())
	}

	known := map[string]string{}
	for _, base := range env.record(t).BaseImages {
		known[base.Reference] = base.Digest
	}
	if digest, recorded := known[image]; !recorded || digest != "" || known[env.BaseImage] != v.digest(t, env.BaseImage) {
		t.Errorf("the record has %v", known)
	}
	data := filepath.Join(env.unpackManifest(t, built.BuildName), "data")
	content := predicateOf(t, read(t, data, "provenance.sigstore.json"))
	predicate, err := provenance.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	dependency := slices.IndexFunc(predicate.BuildDefinition.ResolvedDependencies, func(r provenance.Resource) bool { return r.URI == "oci://"+image })
	if dependency < 0 {
		t.Fatalf("the provenance does not have the image: %s", content)
	}
	if d := predicate.BuildDefinition.ResolvedDependencies[dependency]; len(d.Digest) != 0 || !strings.Contains(d.Annotations["digest"], "not known") {
		t.Errorf("the provenance has %+v", d)
	}
	_, hex, _ := strings.Cut(moved, ":")
	for where, text := range map[string]string{"the provenance": string(content), "the record": read(t, data, "build.json"), "the log": built.Log()} {
		if strings.Contains(text, hex) {
			t.Errorf("%s contains the digest of an image that was not used", where)
		}
	}
}

// predicateOf returns the predicate of the attestation in a sigstore bundle.
func predicateOf(t *testing.T, text string) (predicate []byte) {
	t.Helper()
	var signed struct {
		Envelope struct {
			Payload []byte `json:"payload"`
		} `json:"dsseEnvelope"`
	}
	var statement struct {
		Predicate json.RawMessage `json:"predicate"`
	}
	err := json.Unmarshal([]byte(text), &signed)
	if err == nil {
		err = json.Unmarshal(signed.Envelope.Payload, &statement)
	}
	if err != nil {
		t.Fatal(err)
	}
	return statement.Predicate
}

// With content trust, the build uses the digest that was signed for a tag, and not
// that of the tag in the registry.
func TestTagMovedAfterContentTrust(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	image := v.image("signed/base:1")
	v.push(t, image, "the signed image")
	signed, root := v.signDCT(t, image)
	v.push(t, image, "another")
	env.prepare(t, "movedtrust", files{"Dockerfile": "FROM " + image + "\nRUN echo \"this is $(cat /vendor).\"\n"},
		map[string]any{"DOCKER_CONTENT_TRUST_BASE": "True", "DOCKER_CONTENT_TRUST_BASE_SERVER": "https://" + env.Gates.Notary.Address()})
	built := env.MustBuild(t)
	if record := env.record(t); !strings.Contains(built.Log(), "this is the signed image.") || len(record.BaseImages) != 1 || record.BaseImages[0].Digest != signed || record.BaseImages[0].KeyID != root {
		t.Errorf("%+v:\n%s", record.BaseImages, built.Log())
	}
}

// Trust data that is older than the last verified data, from a backup or from an
// attacker's copy, fails the build.
func TestRolledBackTrustData(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	image := v.image("rolled/base:1")
	v.push(t, image, "old")
	_, root := v.signDCT(t, image)
	proxy := env.newReplay(t)
	changes := with(policy(map[string]any{"image": "**", "method": "dct", "server": proxy.server.URL, "key": root}),
		"DOCKER_CONTENT_TRUST_CA", env.Given["DOCKER_CONTENT_TRUST_CA"].(string)+proxy.ca())
	env.prepare(t, "rolled", files{"Dockerfile": "FROM " + image + "\n"}, changes)
	env.MustBuild(t)

	v.push(t, image, "new, with a vulnerability fixed")
	v.signDCT(t, image)
	env.MustBuild(t)
	proxy.rollBack()
	built := env.Build(t)
	if want := api.FailureStatus("docker trust inspect " + image); built.Status.Status != want || !strings.Contains(built.Cause, image) || !strings.Contains(built.Cause, "went back in time") {
		t.Errorf("%q (%s), want %q", built.Status.Status, built.Cause, want)
	}

	// The operator can reset the rollback protection if the data is really lost.
	if err := env.Server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	kit.MustExecute(t, "", []string{"SBS_SIMULATED_ENCLAVE=" + env.Server.Enclave(), "SBS_VOLUME=" + env.Server.Volume()}, "",
		env.Programs.ServerBinary, "forget-trust-data", proxy.server.URL, strings.TrimSuffix(image, ":1"))
	if err := env.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	env.MustBuild(t)
}
