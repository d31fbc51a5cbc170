package sigstore_test

// What the tests sign with and in: a key in memory, a registry with a referrers
// API, and one without that asks for a password.

import (
	"context"
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	modern "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/test/harness/registry"
)

// fixture is one registry.
type fixture struct {
	repository name.Repository
	account    authn.AuthConfig
}

// eachRegistry runs a test in both kinds of registries.
func eachRegistry(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Run("with a referrers API", func(t *testing.T) {
		server := httptest.NewServer(modern.New(modern.WithReferrersSupport(true), modern.Logger(log.New(io.Discard, "", 0))))
		t.Cleanup(server.Close)
		test(t, newFixture(t, strings.TrimPrefix(server.URL, "http://"), authn.AuthConfig{}))
	})
	t.Run("with the fallback tag", func(t *testing.T) {
		server, err := registry.Start(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := server.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		test(t, newFixture(t, server.Address(), authn.AuthConfig{Username: server.Writer().User, Password: server.Writer().Password}))
	})
}

func newFixture(t *testing.T, address string, account authn.AuthConfig) *fixture {
	t.Helper()
	repository, err := name.NewRepository(address + "/ns/app")
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{repository, account}
}

func (f *fixture) options(t *testing.T) []remote.Option {
	return []remote.Option{remote.WithContext(t.Context()), remote.WithAuth(authn.FromConfig(f.account))}
}

// push uploads a new image under the tags and returns the request to sign it.
func (f *fixture) push(t *testing.T, tags ...string) signing.Request {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range tags {
		if err := remote.Write(f.repository.Tag(tag), image, f.options(t)...); err != nil {
			t.Fatal(err)
		}
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	size, err := image.Size()
	if err != nil {
		t.Fatal(err)
	}
	return signing.Request{
		Account: api.RegistryAccount{User: f.account.Username, Password: api.Secret(f.account.Password)},
		Image:   signing.Image{Repository: f.repository.Name(), Tags: tags, Digest: digest.String(), Size: size},
	}
}

// with is the same registry with one more habit, at an address of its own.
func (f *fixture) with(t *testing.T, quirk registry.Quirk, request *signing.Request) *fixture {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: f.repository.RegistryStr()}
	server := httptest.NewServer(quirk(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}))
	t.Cleanup(server.Close)
	quirky := newFixture(t, strings.TrimPrefix(server.URL, "http://"), f.account)
	request.Image.Repository = quirky.repository.Name()
	return quirky
}

// tag gives the image one more tag.
func (f *fixture) tag(t *testing.T, request signing.Request, tag string) error {
	t.Helper()
	image, err := remote.Image(f.repository.Digest(request.Image.Digest), f.options(t)...)
	if err != nil {
		return err
	}
	return remote.Tag(f.repository.Tag(tag), image, f.options(t)...)
}

// referrers are the bundles attached to an image.
func (f *fixture) referrers(t *testing.T, request signing.Request) []v1.Descriptor {
	t.Helper()
	index, err := remote.Referrers(f.repository.Digest(request.Image.Digest), f.options(t)...)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return manifest.Manifests
}
