package sigstore_test

// What the tests sign with and in: a key in memory, a registry with a referrers
// API, and one without that asks for a password.

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/testregistry"
)

// fixture is one registry.
type fixture struct {
	testregistry.Registry
	repository name.Repository
}

// eachRegistry runs a test in both kinds of registries.
func eachRegistry(t *testing.T, test func(t *testing.T, f *fixture)) {
	testregistry.Each(t, func(t *testing.T, r testregistry.Registry) { test(t, newFixture(t, r)) })
}

func newFixture(t *testing.T, r testregistry.Registry) *fixture {
	t.Helper()
	return &fixture{r, r.Repository(t, "ns/app")}
}

// push uploads a new image under the tags and returns the request to sign it.
func (f *fixture) push(t *testing.T, tags ...string) signing.Request {
	t.Helper()
	return signRequest(f.Registry, f.Push(t, references(tags)...), tags)
}

// references returns the references of tags in the repository of the tests.
func references(tags []string) (references []string) {
	for _, tag := range tags {
		references = append(references, "ns/app:"+tag)
	}
	return references
}

// signRequest returns the request to sign an image in the repository of the tests.
func signRequest(r testregistry.Registry, image v1.Descriptor, tags []string) signing.Request {
	return signing.Request{
		Account: api.RegistryAccount{User: r.Account.Username, Password: api.Secret(r.Account.Password)},
		Image:   signing.Image{Repository: r.Address + "/ns/app", Tags: tags, Digest: image.Digest.String(), Size: image.Size},
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
	quirky := newFixture(t, testregistry.Registry{Address: strings.TrimPrefix(server.URL, "http://"), Account: f.Account})
	request.Image.Repository = quirky.repository.Name()
	return quirky
}

// tag gives the image one more tag.
func (f *fixture) tag(t *testing.T, request signing.Request, tag string) error {
	t.Helper()
	image, err := remote.Image(f.repository.Digest(request.Image.Digest), f.Options(t)...)
	if err != nil {
		return err
	}
	return remote.Tag(f.repository.Tag(tag), image, f.Options(t)...)
}

// referrers are the bundles attached to an image.
func (f *fixture) referrers(t *testing.T, request signing.Request) []v1.Descriptor {
	t.Helper()
	index, err := remote.Referrers(f.repository.Digest(request.Image.Digest), f.Options(t)...)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return manifest.Manifests
}
