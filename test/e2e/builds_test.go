//go:build stack

package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/signedmanifest"
	"github.com/opensbs/sbs/test/kit"
)

func TestStatusOrder(t *testing.T) {
	env := shared
	env.prepare(t, "order", hello, nil)
	held := env.Gates.Git.Hold("")
	defer env.Gates.Git.Release()
	env.StartBuild(t)
	kit.AwaitClosed(t, "the server clones", held)
	built := env.Follow(t, kit.Timeout, func(event api.Event) {
		if event.Status != nil && event.Status.Status == api.StatusCleanedUp {
			env.Gates.Git.Release()
		}
	})
	if !slices.Equal(built.Statuses, allStatuses) {
		t.Errorf("statuses %q, want %q", built.Statuses, allStatuses)
	}
	checkLog(t, built.Lines)
	env.NothingLeft(t, env.ImageOf("order"))
}

// The manifests and keys of earlier builds are served by build name.
func TestEarlierBuildsAreServed(t *testing.T) {
	env := shared
	env.prepare(t, "earlier", hello, nil)
	first := env.MustBuild(t)
	env.commit(t, "earlier.git", files{"Dockerfile": hello["Dockerfile"], "hello": "again\n"})
	second := env.MustBuild(t)
	for name, want := range map[string]string{"": second.BuildName, first.BuildName: first.BuildName, second.BuildName: second.BuildName} {
		dir := t.TempDir()
		saved, path, err := env.Client.SaveManifest(t.Context(), name, dir)
		if err != nil || saved != "manifest."+want {
			t.Fatalf("manifest of %q: %q, %v, want that of %s", name, saved, err, want)
		}
		reply, err := env.Client.PublicKey(t.Context(), name)
		if err != nil || reply.BuildName != want {
			t.Fatalf("public key of %q: %q, %v", name, reply.BuildName, err)
		}
		key, err := signedmanifest.ParsePublicKey([]byte(reply.PublicKeyPEM))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := signedmanifest.Manifest(t.Context(), path, key); err != nil {
			t.Errorf("manifest of %q: %v", name, err)
		}
	}
	for _, path := range []string{"/manifest", "/publickey"} {
		for _, name := range []string{"no.such.build", first.BuildName[:len(first.BuildName)-1] + "x", strings.Replace(first.BuildName, "sbs.earlier", "sbs.later", 1)} {
			reply := env.Request(t, http.MethodGet, path, `{"BUILD_NAME":"`+name+`"}`)
			object := reply.Object()
			if reply.Code != http.StatusNotFound || object["status"] == "" || object["manifest_name"] != nil || object["public_key_pem"] != nil {
				t.Errorf("GET %s of %s: %+v, want a refusal", path, name, reply)
			}
		}
	}
}
