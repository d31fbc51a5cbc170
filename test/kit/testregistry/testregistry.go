// Package testregistry starts registries for tests, in this process, and pushes images to
// them. It needs no engine.
package testregistry

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	modern "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"go.uber.org/goleak"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/test/harness/registry"
)

// Registry is a running registry, and the account that may write to it.
type Registry struct {
	Address string
	Account authn.AuthConfig // empty when the registry requires none
}

// Start starts the local stack's registry with extensions. It requires an account, and
// lists referrers under a fallback tag.
func Start(t testing.TB, extensions ...func(http.Handler) http.Handler) *registry.Server {
	t.Helper()
	server, err := registry.Start(t.Context(), t.TempDir(), extensions...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server
}

// Of returns the registry of a server, with its account for writing.
func Of(server *registry.Server) Registry {
	return Registry{server.Address(), authn.AuthConfig{Username: server.Writer().User, Password: server.Writer().Password}}
}

// WithReferrers starts a registry that has a referrers API and requires no account.
func WithReferrers(t testing.TB) Registry {
	server := httptest.NewServer(modern.New(modern.WithReferrersSupport(true), modern.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return Registry{Address: strings.TrimPrefix(server.URL, "http://")}
}

// Each runs a test in both kinds of registries.
func Each(t *testing.T, test func(t *testing.T, r Registry)) {
	t.Run("with a referrers API", func(t *testing.T) { test(t, WithReferrers(t)) })
	t.Run("with the fallback tag", func(t *testing.T) { test(t, Of(Start(t))) })
}

// HasReferrers reports whether the registry has a referrers API.
func (r Registry) HasReferrers() bool { return r.Account.Username == "" }

// Repository returns a repository of the registry.
func (r Registry) Repository(t testing.TB, path string) name.Repository {
	t.Helper()
	repository, err := name.NewRepository(r.Address + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return repository
}

// Options returns the options of package remote for the account.
func (r Registry) Options(t testing.TB) []remote.Option {
	return []remote.Option{remote.WithContext(t.Context()), remote.WithAuth(authn.FromConfig(r.Account))}
}

// Access returns how the product accesses the registry with the account.
func (r Registry) Access() signature.Access {
	return signature.Access{User: r.Account.Username, Password: api.Secret(r.Account.Password)}
}

// Push uploads a new image under references, as "ns/app:tag", and returns its
// descriptor.
func (r Registry) Push(t testing.TB, references ...string) v1.Descriptor {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	return r.PushImage(t, image, references...)
}

// PushImage uploads an image under references, and returns its descriptor.
func (r Registry) PushImage(t testing.TB, image v1.Image, references ...string) v1.Descriptor {
	t.Helper()
	for _, reference := range references {
		tag, err := name.NewTag(r.Address + "/" + reference)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(tag, image, r.Options(t)...); err != nil {
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
	mediaType, err := image.MediaType()
	if err != nil {
		t.Fatal(err)
	}
	return v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size}
}

// VerifyNoLeaks runs the tests of a package, and fails when goroutines are left.
func VerifyNoLeaks(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The registry's, which has no way to end it.
		goleak.IgnoreTopFunction("github.com/docker/go-events.(*Broadcaster).run"))
}
