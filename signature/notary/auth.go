package notary

// Credentials, for a server that asks for them.

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/docker/distribution/registry/client/auth"
	"github.com/docker/distribution/registry/client/auth/challenge"
	"github.com/docker/distribution/registry/client/transport"
	"github.com/theupdateframework/notary/storage"
)

// authorized asks the server how it wants to be asked (GET /v2/, as registries
// and docker do) and answers a RoundTripper that obeys: with nothing, with
// basic authentication, or with a token for doing actions on the GUN.
func authorized(base http.RoundTripper, address *url.URL, gun string, given credentials, actions []string) (http.RoundTripper, error) {
	manager := challenge.NewSimpleManager()
	if err := ping(base, address, manager); err != nil {
		return nil, err
	}
	token := auth.NewTokenHandlerWithOptions(auth.TokenHandlerOptions{
		Transport:   checked{base},
		Credentials: given,
		ClientID:    "sbs",
		Scopes:      []auth.Scope{auth.RepositoryScope{Repository: gun, Actions: actions}},
	})
	authorizer := auth.NewAuthorizer(manager, token, auth.NewBasicHandler(given))
	return checked{transport.NewTransport(base, authorizer)}, nil
}

func ping(base http.RoundTripper, address *url.URL, manager challenge.Manager) error {
	request, err := http.NewRequest(http.MethodGet, address.String()+"/v2/", nil)
	if err != nil {
		return err
	}
	response, err := base.RoundTrip(request)
	if err != nil {
		return storage.NetworkError{Wrapped: err} // as the library marks its own
	}
	_, err = io.Copy(io.Discard, response.Body) // so that the connection is used again
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return fmt.Errorf("read the answer to %s/v2/: %w", address.Redacted(), err)
	}
	if response.StatusCode >= http.StatusInternalServerError {
		return &statusError{response.StatusCode}
	}
	return manager.AddResponse(response)
}

// credentials are one user's for one Repository: an auth.CredentialStore in memory.
type credentials struct{ user, password string }

func (c credentials) Basic(*url.URL) (string, string)        { return c.user, c.password }
func (credentials) RefreshToken(*url.URL, string) string     { return "" }
func (credentials) SetRefreshToken(*url.URL, string, string) {} // no token outlives it
