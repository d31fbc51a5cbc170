//go:build stack

package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit"
)

// registryWithQuirk starts a proxy that adds a quirk to the registry, and returns its
// address.
func (env *environment) registryWithQuirk(t *testing.T, quirk registry.Quirk) string {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: env.Registry.Address()}
	server := httptest.NewServer(quirk(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// tagDigest returns the digest of a tag in the registry, or "" if there is none.
func (env *environment) tagDigest(t *testing.T, repository, tag string) string {
	t.Helper()
	reference, err := name.NewTag(env.Registry.Address() + "/sbs/" + repository + ":" + tag)
	if err != nil {
		t.Fatal(err)
	}
	writer := env.Registry.Writer()
	found, err := remote.Get(reference, remote.WithAuth(&authn.Basic{Username: writer.User, Password: writer.Password}))
	if err != nil {
		return ""
	}
	return found.Digest.String()
}

// A build succeeds with a registry that has a quirk, and cosign verifies the signature
// and the attestations in it.
func TestQuirkyRegistries(t *testing.T) {
	env := shared
	for _, quirk := range []string{"gitlab", "ref200html", "ref200json", "nodigesthead", "head405", "limit429"} {
		t.Run(quirk, func(t *testing.T) {
			host := env.registryWithQuirk(t, registry.Quirks[quirk])
			env.prepare(t, "quirk-"+quirk, hello, map[string]any{
				"DOCKER_PUSH_SERVER": host, "DOCKER_CONTENT_TRUST_PUSH_SERVER": nil, "IMAGE_SIGNING": api.SigningSigstore,
			})
			built := env.MustBuild(t)
			if quirk == "nodigesthead" || quirk == "head405" {
				host = env.Registry.Address() // cosign needs a complete HEAD response
			}
			record := env.record(t)
			key := record.Signatures[0].PublicKey
			reference := host + "/sbs/quirk-" + quirk + ":" + built.ImageTag
			env.verifySignature(t, key, reference)
			for _, kind := range predicateTypes {
				env.verifyAttestation(t, key, reference, kind)
			}
		})
	}
}

// verifySignature checks that cosign accepts the signature.
func (env *environment) verifySignature(t *testing.T, key, reference string) {
	t.Helper()
	home, writer := t.TempDir(), env.Registry.Writer()
	file := filepath.Join(home, "key.pem")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := kit.Execute(t, "", []string{"HOME=" + home}, "", cosign, "verify", "--key", file, "--insecure-ignore-tlog=true",
		"--registry-username", writer.User, "--registry-password", writer.Password, reference); s.Code != 0 {
		t.Errorf("cosign refuses the signature of %s: %s", reference, s.Err)
	}
}

// A failed build has pushed no tag, so that the same commit can be built again in a
// registry with immutable tags.
func TestFailedBuildLeavesNoTag(t *testing.T) {
	env := shared
	for name, refused := range map[string]string{
		"signature": "PUT /manifests/sha256-", // the fallback tag of the first signature
		"tag":       "PUT /manifests/latest",  // after the other tag was moved
	} {
		t.Run(name, func(t *testing.T) {
			var broken atomic.Bool
			broken.Store(true)
			method, part, _ := strings.Cut(refused, " ")
			host := env.registryWithQuirk(t, func(next http.Handler) http.Handler {
				next = registry.Quirks["immutable"](next)
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if broken.Load() && r.Method == method && strings.Contains(r.URL.Path, part) {
						w.WriteHeader(http.StatusForbidden)
						return
					}
					next.ServeHTTP(w, r)
				})
			})
			repository := "untagged-" + name
			env.prepare(t, repository, hello, map[string]any{
				"DOCKER_PUSH_SERVER": host, "DOCKER_CONTENT_TRUST_PUSH_SERVER": nil,
			})
			failed := env.Build(t)
			if !api.Failed(failed.Status.Status) || strings.Contains(failed.Cause, "password") {
				t.Fatalf("status %q (%s)", failed.Status.Status, failed.Cause)
			}
			for _, tag := range []string{failed.ImageTag, "latest"} {
				if digest := env.tagDigest(t, repository, tag); digest != "" {
					t.Errorf("the tag %s has the digest %s", tag, digest)
				}
			}
			broken.Store(false)
			built := env.MustBuild(t)
			for _, tag := range []string{built.ImageTag, "latest"} {
				if digest := env.tagDigest(t, repository, tag); digest != env.record(t).ImageDigest {
					t.Errorf("the tag %s has the digest %q", tag, digest)
				}
			}
		})
	}
}

// IBM's guide sets the notary server to the registry, which means simple signing.
func TestRegistryNamedAsNotary(t *testing.T) {
	env := shared
	env.prepare(t, "icr", hello, map[string]any{"DOCKER_CONTENT_TRUST_PUSH_SERVER": "https://" + env.Gates.Registry.Address()})
	built := env.MustBuild(t)
	if signed := methods(env.record(t)); len(signed) != 2 || signed[0] != api.SigningSimple {
		t.Errorf("signed with %q", signed)
	}
	if !strings.Contains(built.Log(), "DOCKER_CONTENT_TRUST_PUSH_SERVER names the push registry itself") {
		t.Errorf("the log does not report that:\n%s", built.Log())
	}
}
