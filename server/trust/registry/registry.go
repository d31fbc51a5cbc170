package registry

// The way to one repository: authenticated once, closed when its signer is done.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/opensbs/sbs/server/trust"
)

const dialLimit = 10 * time.Second

// Repository is one repository of a registry. Close it.
type Repository struct {
	// Name is the repository as the registry's own host knows it.
	Name name.Repository

	base   *http.Transport
	client *http.Client
}

// Open asks the registry how it wants to be asked, and gets the credentials
// accepted for pulling and pushing the repository of request's image. ctx
// bounds everything that is done with the repository afterwards, too.
func Open(ctx context.Context, request trust.Request) (*Repository, error) {
	repository, err := name.NewRepository(request.Image.Repository, name.StrictValidation)
	if err != nil {
		return nil, fmt.Errorf("repository %q: %w", request.Image.Repository, err)
	}
	base, err := newTransport(request.CABundle)
	if err != nil {
		return nil, err
	}
	if slices.Contains(request.Insecure, repository.RegistryStr()) {
		base.TLSClientConfig.InsecureSkipVerify = true // the operator said so, of this host
		if repository, err = name.NewRepository(request.Image.Repository, name.StrictValidation, name.Insecure); err != nil {
			return nil, fmt.Errorf("repository %q: %w", request.Image.Repository, err)
		}
	}
	authorized, err := transport.NewWithContext(ctx, repository.Registry, authenticator(request), bounded(ctx, base, request.Insecure),
		[]string{repository.Scope(transport.PushScope)})
	if err != nil {
		base.CloseIdleConnections()
		return nil, fmt.Errorf("log in to the registry %s: %w", repository.RegistryStr(), Explain(ctx, err))
	}
	return &Repository{Name: repository, base: base, client: &http.Client{Transport: authorized}}, nil
}

// Close lets go of the connections.
func (r *Repository) Close() { r.base.CloseIdleConnections() }

// Options are what go-containerregistry needs to work on the repository.
func (r *Repository) Options(ctx context.Context) []remote.Option {
	retries := remote.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 3}
	return []remote.Option{remote.WithContext(ctx), remote.WithTransport(r.client.Transport), remote.WithRetryBackoff(retries)}
}

// Do sends a request for path, which begins with a slash; the caller closes the
// answer's body.
func (r *Repository) Do(ctx context.Context, request *http.Request) (*http.Response, error) {
	request.URL.Scheme, request.URL.Host = r.Name.Scheme(), r.Name.RegistryStr()
	response, err := r.client.Do(request.WithContext(ctx))
	if err != nil {
		return nil, Explain(ctx, err)
	}
	return response, nil
}

// CheckStatus is an error unless the registry answered with the status want.
func CheckStatus(response *http.Response, want int) error {
	if response.StatusCode == want {
		return nil
	}
	return fmt.Errorf("HTTP status %d (%s)%s", response.StatusCode, http.StatusText(response.StatusCode), adviceFor(response.StatusCode))
}

func adviceFor(status int) string {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return ": check DOCKER_USER and DOCKER_PASSWORD, and that this user may push the repository"
	}
	return ""
}

// Explain says why ctx ended rather than what that broke, and of what went
// wrong with the registry, what to do about it.
func Explain(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var refused *transport.Error
	if errors.As(err, &refused) {
		return fmt.Errorf("%w%s", err, adviceFor(refused.StatusCode))
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return fmt.Errorf("%w: its authority must be in the operator's SBS_CA_BUNDLE", err)
	}
	return err
}

func authenticator(request trust.Request) authn.Authenticator {
	if request.User == "" {
		return authn.Anonymous
	}
	return &authn.Basic{Username: request.User, Password: request.Password}
}

// newTransport trusts the system's authorities and those of caBundle (PEM).
func newTransport(caBundle []byte) (*http.Transport, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("load the system's certificate authorities: %w", err)
	}
	if len(caBundle) > 0 && !roots.AppendCertsFromPEM(caBundle) {
		return nil, errors.New("the given authorities hold no PEM certificate")
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: dialLimit}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialLimit,
		MaxResponseHeaderBytes: maxHeaders,
	}, nil
}
