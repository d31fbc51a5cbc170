//go:build stack

package state

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/objectstore"
	"github.com/opensbs/sbs/test/kit"
)

// The guide's ways of recovery, one after the other on one stack: each new
// server takes the state of the one before.
func TestRecovery(t *testing.T) {
	env := start(t)
	kit.Configure(t, env.Dir(), map[string]any{"MANIFEST_BUCKET_NAME": "manifests", "STATE_BUCKET_NAME": "states"})
	env.guide(t, "init --env sbs-config.json")
	if said := env.refused(t, "get-state-image --env sbs-config.json"); !strings.Contains(said, "no build has succeeded yet") {
		t.Errorf("an export before the first build: %s", said)
	}
	first := env.build(t)
	key, root := env.publicKey(t, first), env.rootKeys(t)
	env.sameInBucket(t, first)

	t.Run("locally", func(t *testing.T) {
		kit.Configure(t, env.Dir(), map[string]any{"STATE_BUCKET_NAME": ""})
		env.guide(t, "get-state-image --env sbs-config.json")
		env.replaced(t)
		env.guide(t, "status --env sbs-config.json")
		env.guide(t, "post-state-image --state-image "+first+" --env sbs-config.json")
		if said := env.refused(t, "build --env sbs-config.json"); !strings.Contains(said, "update") {
			t.Errorf("a build before update: %s", said)
		}
		env.guide(t, "update --env sbs-config.json")
		env.goesOn(t, first, key, root)
	})
	t.Run("from a bucket", func(t *testing.T) {
		kit.Configure(t, env.Dir(), map[string]any{"STATE_BUCKET_NAME": "states"})
		env.guide(t, "update --env sbs-config.json")
		latest := env.build(t)
		env.guide(t, "get-state-image --env sbs-config.json")
		env.replaced(t)
		env.guide(t, "init --env sbs-config.json")
		if said := env.refused(t, "post-state-image --env sbs-config.json --name nothing"); !strings.Contains(said, "bucket states") {
			t.Errorf("an object that is not there: %s", said)
		}
		env.guide(t, "post-state-image --env sbs-config.json --name "+latest)
		env.guide(t, "update --env sbs-config.json")
		env.goesOn(t, first, key, root)
	})
	t.Run("after a new secret", func(t *testing.T) {
		latest := env.build(t)
		env.guide(t, "get-state-image --env sbs-config.json")
		env.guide(t, "update --env sbs-config.json --new-secret")
		if said := env.refused(t, "post-state-image --env sbs-config.json --name "+latest); !strings.Contains(said, "another SECRET") {
			t.Errorf("a state of the old secret: %s", said)
		}
		env.guide(t, "get-state-image --env sbs-config.json")
		env.guide(t, "post-state-image --env sbs-config.json --name "+latest)
		env.goesOn(t, first, key, root)
	})
	t.Run("with a new server image", func(t *testing.T) {
		kit.Configure(t, env.Dir(), map[string]any{"STATE_BUCKET_NAME": ""})
		latest := env.build(t)
		env.guide(t, "get-state-image --env sbs-config.json")
		env.succeeded(t)
		env.goesOn(t, first, key, root)
		env.forgets(t) // it has sealed all of the volume anew
		env.goesOn(t, first, key, root)
		env.replaced(t)
		if said := env.refused(t, "post-state-image --env sbs-config.json --state-image "+latest); !strings.Contains(said, "another server image") {
			t.Errorf("a state of an image whose secret is gone: %s", said)
		}
	})
}

// goesOn builds, and fails if anything is signed with another key than before.
func (env *environment) goesOn(t *testing.T, first, key, root string) {
	t.Helper()
	next := env.build(t)
	if got := env.rootKeys(t); got != root {
		t.Errorf("docker trust inspect shows the root key %s, want %s", got, root)
	}
	for _, build := range []string{first, next} {
		if got := env.publicKey(t, build); got != key {
			t.Errorf("the manifest key of %s is another one", build)
		}
	}
}

// sameInBucket compares a manifest in the bucket with the one of the server.
func (env *environment) sameInBucket(t *testing.T, build string) {
	t.Helper()
	env.guide(t, "get-manifest --env sbs-config.json --verify-manifest")
	name := "manifest." + build + ".sig.tbz"
	want, err := os.ReadFile(filepath.Join(env.Dir(), name))
	if err != nil {
		t.Fatal(err)
	}
	store, err := objectstore.Open("MANIFEST_", api.ObjectStore{
		Bucket: "manifests", APIKey: api.Secret(env.ObjectStore.APIKey()), ResourceCRN: env.ObjectStore.ResourceCRN(),
		AuthEndpoint: env.ObjectStore.AuthEndpoint(), Endpoint: env.ObjectStore.Endpoint(),
	}, env.ObjectStore.CABundle())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	got, err := store.Get(t.Context(), name, int64(len(want)))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the bucket has %d bytes, the server %d, %v", len(got), len(want), err)
	}
}

// A manifest that can't be delivered fails the build, in words that help.
func TestUndeliveredManifest(t *testing.T) {
	env := start(t)
	kit.Configure(t, env.Dir(), map[string]any{"MANIFEST_BUCKET_NAME": "nowhere"})
	env.guide(t, "init --env sbs-config.json")
	env.guide(t, "build --env sbs-config.json")
	env.refused(t, "status --env sbs-config.json --wait")
	status := env.guide(t, "status --env sbs-config.json")
	for _, want := range []string{"ibmcloud cos object-put --bucket nowhere --key manifest.", "bucket nowhere: there is no such bucket", "MANIFEST_BUCKET_NAME"} {
		if !strings.Contains(status, want) {
			t.Errorf("the status does not say %q: %s", want, status)
		}
	}
	if said := env.refused(t, "get-manifest --env sbs-config.json"); !strings.Contains(said, "no build has succeeded yet") {
		t.Errorf("get-manifest: %s", said)
	}
	// What says that the build was a success must not lie about.
	if left, err := filepath.Glob(filepath.Join(env.Server.Volume(), "builds", "*", "*.tbz*")); err != nil || len(left) != 0 {
		t.Errorf("manifests of the failed build are left: %q, %v", left, err)
	}
}
