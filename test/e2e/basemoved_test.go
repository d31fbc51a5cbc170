//go:build stack

package e2e

import (
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
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
	reached := kit.Holding(t, env.Gates.Engine, commit[:7])
	env.Begin(t)
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
	built := env.Succeed(t)
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
	env.Succeed(t)

	v.push(t, image, "new, with the hole mended")
	v.trusted(t, image)
	env.Succeed(t)
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
	env.Succeed(t)
}
