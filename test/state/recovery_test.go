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

// Each procedure of recovery in the guide, one after the other on one stack: the
// state of each server is imported into the next.
func TestRecovery(t *testing.T) {
	env := start(t)
	kit.Configure(t, env.Dir(), map[string]any{"MANIFEST_BUCKET_NAME": "manifests", "STATE_BUCKET_NAME": "states"})
	env.cli(t, "init --env sbs-config.json")
	if message := env.refusal(t, "get-state-image --env sbs-config.json"); !strings.Contains(message, "no build has succeeded yet") {
		t.Errorf("an export before the first build: %s", message)
	}
	first := env.build(t)
	key, root := env.publicKey(t, first), env.rootKeys(t)
	env.checkBucket(t, first)

	t.Run("locally", func(t *testing.T) {
		kit.Configure(t, env.Dir(), map[string]any{"STATE_BUCKET_NAME": ""})
		env.cli(t, "get-state-image --env sbs-config.json")
		env.replaceServer(t)
		env.cli(t, "status --env sbs-config.json")
		env.cli(t, "post-state-image --state-image "+first+" --env sbs-config.json")
		if message := env.refusal(t, "build --env sbs-config.json"); !strings.Contains(message, "update") {
			t.Errorf("a build before update: %s", message)
		}
		env.cli(t, "update --env sbs-config.json")
		env.checkKeysUnchanged(t, first, key, root)
	})
	t.Run("from a bucket", func(t *testing.T) {
		kit.Configure(t, env.Dir(), map[string]any{"STATE_BUCKET_NAME": "states"})
		env.cli(t, "update --env sbs-config.json")
		latest := env.build(t)
		env.cli(t, "get-state-image --env sbs-config.json")
		env.replaceServer(t)
		env.cli(t, "init --env sbs-config.json")
		if message := env.refusal(t, "post-state-image --env sbs-config.json --name nothing"); !strings.Contains(message, "bucket states") {
			t.Errorf("an object that does not exist: %s", message)
		}
		env.cli(t, "post-state-image --env sbs-config.json --name "+latest)
		env.cli(t, "update --env sbs-config.json")
		env.checkKeysUnchanged(t, first, key, root)
	})
	t.Run("after a new secret", func(t *testing.T) {
		latest := env.build(t)
		env.cli(t, "get-state-image --env sbs-config.json")
		env.cli(t, "update --env sbs-config.json --new-secret")
		if message := env.refusal(t, "post-state-image --env sbs-config.json --name "+latest); !strings.Contains(message, "another SECRET") {
			t.Errorf("a state under the old secret: %s", message)
		}
		env.cli(t, "get-state-image --env sbs-config.json")
		env.cli(t, "post-state-image --env sbs-config.json --name "+latest)
		env.checkKeysUnchanged(t, first, key, root)
	})
	t.Run("with a new server image", func(t *testing.T) {
		kit.Configure(t, env.Dir(), map[string]any{"STATE_BUCKET_NAME": ""})
		latest := env.build(t)
		env.cli(t, "get-state-image --env sbs-config.json")
		env.changeServerImage(t)
		env.checkKeysUnchanged(t, first, key, root)
		env.removePreviousSecret(t) // all of the volume is resealed by now
		env.checkKeysUnchanged(t, first, key, root)
		env.replaceServer(t)
		if message := env.refusal(t, "post-state-image --env sbs-config.json --state-image "+latest); !strings.Contains(message, "another server image") {
			t.Errorf("a state of an image whose secret was removed: %s", message)
		}
	})
}

// checkKeysUnchanged builds, and fails the test if a key differs from the earlier
// ones.
func (env *environment) checkKeysUnchanged(t *testing.T, first, key, root string) {
	t.Helper()
	next := env.build(t)
	if got := env.rootKeys(t); got != root {
		t.Errorf("docker trust inspect shows the root key %s, want %s", got, root)
	}
	for _, build := range []string{first, next} {
		if got := env.publicKey(t, build); got != key {
			t.Errorf("the manifest key of %s has changed", build)
		}
	}
}

// checkBucket compares a manifest in the bucket with that of the server.
func (env *environment) checkBucket(t *testing.T, build string) {
	t.Helper()
	env.cli(t, "get-manifest --env sbs-config.json --verify-manifest")
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

// A manifest that can't be uploaded fails the build, and the status contains the
// command that the user can run instead.
func TestUndeliveredManifest(t *testing.T) {
	env := start(t)
	kit.Configure(t, env.Dir(), map[string]any{"MANIFEST_BUCKET_NAME": "nowhere"})
	env.cli(t, "init --env sbs-config.json")
	env.cli(t, "build --env sbs-config.json")
	env.refusal(t, "status --env sbs-config.json --wait")
	status := env.cli(t, "status --env sbs-config.json")
	for _, want := range []string{"ibmcloud cos object-put --bucket nowhere --key manifest.", "bucket nowhere: there is no such bucket", "MANIFEST_BUCKET_NAME"} {
		if !strings.Contains(status, want) {
			t.Errorf("the status does not contain %q: %s", want, status)
		}
	}
	if message := env.refusal(t, "get-manifest --env sbs-config.json"); !strings.Contains(message, "no build has succeeded yet") {
		t.Errorf("get-manifest: %s", message)
	}
	// A manifest is proof of a successful build: none may be stored.
	if left, err := filepath.Glob(filepath.Join(env.Server.Volume(), "builds", "*", "*.tbz*")); err != nil || len(left) != 0 {
		t.Errorf("manifests of the failed build are left: %q, %v", left, err)
	}
}
