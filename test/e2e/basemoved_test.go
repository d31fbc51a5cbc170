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

// Between the check and the build somebody moves the tag: what was checked is
// built.
func TestTagMovedBetweenCheckAndBuild(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	image := v.named("race/base:1")
	checked := v.push(t, image, "what was checked")
	v.cosigned(t, image)
	commit := env.prepare(t, "race", files{"Dockerfile": "FROM " + image + "\nCOPY --from=" + image + " /vendor /copy\nRUN echo \"this is $(cat /vendor), $(cat /copy).\"\n"},
		policy(map[string]any{"image": "**", "method": "sigstore", "key": v.pem}))
	// The engine is asked for the new image's tag right before it builds.
	reached := kit.HoldAtGate(t, env.Gates.Engine, commit[:7])
	env.StartBuild(t)
	reached()
	if moved := v.push(t, image, "another"); moved == checked {
		t.Fatal("the tag was not moved")
	}
	env.Gates.Engine.Release()
	built := env.Follow(t, kit.Timeout, func(api.Event) {})
	if built.Status.Status != api.StatusSuccess || !strings.Contains(built.Log(), "this is what was checked, what was checked.") {
		t.Errorf("%q (%s):\n%s", built.Status.Status, built.Cause, built.Log())
	}
	if record := env.record(t); len(record.BaseImages) != 1 || record.BaseImages[0].Digest != checked {
		t.Errorf("the record has %+v, want the digest %s", record.BaseImages, checked)
	}
}

// Without a policy, a tag that COPY --from names moves while the build runs. The
// builder does not report which image it took: the record, the provenance and the
// log have that its digest is not known, and the digest that the tag leads to by
// then is nowhere.
func TestTagMovedDuringTheBuild(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	image, marker := v.named("race/copied:1"), "sleep\x001"+sleepMarker("unpinned")
	v.push(t, image, "what was taken")
	env.prepare(t, "unpinned", files{"Dockerfile": "FROM " + env.BaseImage + "\nCOPY --from=" + image + " /vendor /copy\nRUN sleep 1" + sleepMarker("unpinned") + "; echo \"this is $(cat /copy).\"\n"}, nil)
	env.StartBuild(t)
	kit.Eventually(t, "the step after COPY --from runs", func() bool { return kit.ProcessRuns(t, marker) })
	moved := v.push(t, image, "another")
	kit.KillProcesses(t, marker)
	built := env.Follow(t, kit.Timeout, func(api.Event) {})
	if built.Status.Status != api.StatusSuccess || !strings.Contains(built.Log(), "this is what was taken.") {
		t.Fatalf("%q (%s):\n%s", built.Status.Status, built.Cause, built.Log())
	}
	if !strings.Contains(built.Log(), "the digest of the image "+image+" is not known") {
		t.Errorf("the log does not have that the digest is not known:\n%s", built.Log())
	}

	known := map[string]string{}
	for _, base := range env.record(t).BaseImages {
		known[base.Reference] = base.Digest
	}
	if digest, recorded := known[image]; !recorded || digest != "" || known[env.BaseImage] != v.digest(t, env.BaseImage) {
		t.Errorf("the record has %v", known)
	}
	data := filepath.Join(env.unpacked(t, built.BuildName), "data")
	content := stated(t, read(t, data, "provenance.sigstore.json"))
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
			t.Errorf("%s has the digest of an image that was not used", where)
		}
	}
}

// stated returns the predicate of a statement in a sigstore bundle.
func stated(t *testing.T, text string) (predicate []byte) {
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

// With content trust, the digest that was signed for a tag is built from,
// wherever the registry's tag leads.
func TestTagMovedAfterContentTrust(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	image := v.named("signed/base:1")
	v.push(t, image, "what was signed")
	signed, root := v.trusted(t, image)
	v.push(t, image, "another")
	env.prepare(t, "movedtrust", files{"Dockerfile": "FROM " + image + "\nRUN echo \"this is $(cat /vendor).\"\n"},
		map[string]any{"DOCKER_CONTENT_TRUST_BASE": "True", "DOCKER_CONTENT_TRUST_BASE_SERVER": "https://" + env.Gates.Notary.Address()})
	built := env.MustBuild(t)
	if record := env.record(t); !strings.Contains(built.Log(), "this is what was signed.") || len(record.BaseImages) != 1 || record.BaseImages[0].Digest != signed || record.BaseImages[0].KeyID != root {
		t.Errorf("%+v:\n%s", record.BaseImages, built.Log())
	}
}

// A notary server that serves its old data again, an hour-old backup or an
// attacker's copy of it, is found out.
func TestRolledBackTrustData(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	image := v.named("rolled/base:1")
	v.push(t, image, "old")
	_, root := v.trusted(t, image)
	proxy := env.newReplay(t)
	changes := with(policy(map[string]any{"image": "**", "method": "dct", "server": proxy.server.URL, "key": root}),
		"DOCKER_CONTENT_TRUST_CA", env.Given["DOCKER_CONTENT_TRUST_CA"].(string)+proxy.ca())
	env.prepare(t, "rolled", files{"Dockerfile": "FROM " + image + "\n"}, changes)
	env.MustBuild(t)

	v.push(t, image, "new, with the hole mended")
	v.trusted(t, image)
	env.MustBuild(t)
	proxy.rollBack()
	built := env.Build(t)
	if want := api.FailureStatus("docker trust inspect " + image); built.Status.Status != want || !strings.Contains(built.Cause, image) || !strings.Contains(built.Cause, "went back in time") {
		t.Errorf("%q (%s), want %q", built.Status.Status, built.Cause, want)
	}

	// Unless the operator says that the data is really lost.
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
