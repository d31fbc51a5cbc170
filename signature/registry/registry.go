package registry

// The connection to one repository: authenticated once, closed when its user is
// done.

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/httpclient"
)

// What the credentials are to be accepted for.
const (
	Pull = transport.PullScope
	Push = transport.PushScope // and pull
)

// Repository is one repository of a registry. Close it.
type Repository struct {
	// Name is the repository as the registry's own host knows it.
	Name name.Repository

	base   *httpclient.Transport
	client *http.Client
}

// Open negotiates scheme and authentication with the registry, and gets a token for
// scope, Pull or Push, of the repository: host[:port]/namespace/name in full. ctx
// bounds everything that is done with the repository afterwards, too. Errors are those
// of Explain.
func Open(ctx context.Context, repository string, access signature.Access, scope string) (*Repository, error) {
	name, err := name.NewRepository(repository, name.StrictValidation)
	if err != nil {
		return nil, fmt.Errorf("repository %q: %w", repository, err)
	}
	base, err := httpclient.NewTrusting(access.CABundle)
	if err != nil {
		return nil, err
	}
	if slices.Contains(access.Insecure, name.RegistryStr()) {
		base.TLSClientConfig.InsecureSkipVerify = true // the operator allows it for this host
		if name, err = insecureRepository(repository); err != nil {
			return nil, err
		}
	}
	authorized, err := transport.NewWithContext(ctx, name.Registry, authenticator(access), bounded(ctx, base, access), []string{name.Scope(scope)})
	if err != nil {
		base.CloseIdleConnections()
		return nil, fmt.Errorf("log in to the registry: %w", explain(ctx, name.RegistryStr(), err))
	}
	return &Repository{Name: name, base: base, client: &http.Client{Transport: authorized}}, nil
}

// insecureRepository is a repository that may be reached without TLS.
func insecureRepository(repository string) (name.Repository, error) {
	named, err := name.NewRepository(repository, name.StrictValidation, name.Insecure)
	if err != nil {
		return name.Repository{}, fmt.Errorf("repository %q: %w", repository, err)
	}
	return named, nil
}

// Close lets go of the connections.
func (r *Repository) Close() { r.base.CloseIdleConnections() }

// Options returns the options for go-containerregistry to work on the repository.
func (r *Repository) Options(ctx context.Context) []remote.Option {
	retries := remote.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 3}
	return []remote.Option{remote.WithContext(ctx), remote.WithTransport(r.client.Transport), remote.WithRetryBackoff(retries)}
}

// do sends a request for path, which begins with a slash; the caller closes the
// response's body.
func (r *Repository) do(ctx context.Context, request *http.Request) (*http.Response, error) {
	request.URL.Scheme, request.URL.Host = r.Name.Scheme(), r.Name.RegistryStr()
	response, err := r.client.Do(request.WithContext(ctx))
	if err != nil {
		return nil, r.Explain(ctx, err)
	}
	return response, nil
}

func authenticator(access signature.Access) authn.Authenticator {
	account := authn.AuthConfig{Username: access.User, Password: string(access.Password), IdentityToken: string(access.IdentityToken), RegistryToken: string(access.RegistryToken)}
	if account == (authn.AuthConfig{}) {
		return authn.Anonymous
	}
	return authn.FromConfig(account)
}
