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

// behind is the registry with a habit, at an address of its own.
func (env *environment) behind(t *testing.T, quirk registry.Quirk) string {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: env.Registry.Address()}
	front := httptest.NewServer(quirk(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}))
	t.Cleanup(front.Close)
	return strings.TrimPrefix(front.URL, "http://")
}

// leads is the digest that a tag leads to in the registry itself, or "".
func (env *environment) leads(t *testing.T, repository, tag string) string {
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

// A build succeeds at a registry with a habit, and cosign finds in it what was
// signed and stated.
func TestQuirkyRegistries(t *testing.T) {
	env := shared
	for _, quirk := range []string{"gitlab", "ref200html", "ref200json", "nodigesthead", "head405", "limit429"} {
		t.Run(quirk, func(t *testing.T) {
			host := env.behind(t, registry.Quirks[quirk])
			env.prepare(t, "quirk-"+quirk, hello, map[string]any{
				"DOCKER_PUSH_SERVER": host, "DOCKER_CONTENT_TRUST_PUSH_SERVER": nil, "IMAGE_SIGNING": api.SigningSigstore,
			})
			built := env.MustBuild(t)
			if quirk == "nodigesthead" || quirk == "head405" {
				host = env.Registry.Address() // cosign needs HEAD with its headers
			}
			record := env.record(t)
			key := record.Signatures[0].PublicKey
			reference := host + "/sbs/quirk-" + quirk + ":" + built.ImageTag
			env.cosignSigned(t, key, reference)
			for _, kind := range attestedTypes {
				env.cosignAttested(t, key, reference, kind)
			}
		})
	}
}

// cosignSigned demands that cosign accepts the signature.
func (env *environment) cosignSigned(t *testing.T, key, reference string) {
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

// A build that fails leaves no tag, whatever it was that failed, and so the same
// commit can be built again where tags are immutable.
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
			host := env.behind(t, func(next http.Handler) http.Handler {
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
				if digest := env.leads(t, repository, tag); digest != "" {
					t.Errorf("the tag %s leads to %s", tag, digest)
				}
			}
			broken.Store(false)
			built := env.MustBuild(t)
			for _, tag := range []string{built.ImageTag, "latest"} {
				if digest := env.leads(t, repository, tag); digest != env.record(t).ImageDigest {
					t.Errorf("the tag %s leads to %q", tag, digest)
				}
			}
		})
	}
}

// IBM's guide names the registry as the notary server, and means simple signing.
func TestRegistryNamedAsNotary(t *testing.T) {
	env := shared
	env.prepare(t, "icr", hello, map[string]any{"DOCKER_CONTENT_TRUST_PUSH_SERVER": "https://" + env.Gates.Registry.Address()})
	built := env.MustBuild(t)
	if signed := methods(env.record(t)); len(signed) != 2 || signed[0] != api.SigningSimple {
		t.Errorf("signed with %q", signed)
	}
	if !strings.Contains(built.Log(), "DOCKER_CONTENT_TRUST_PUSH_SERVER names the push registry itself") {
		t.Errorf("the log does not say so:\n%s", built.Log())
	}
}
