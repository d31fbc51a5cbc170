package notary

// Authentication, for servers that require it.

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

// authorized requests the authentication scheme of the server (GET /v2/, as
// registries and docker do) and returns a RoundTripper that uses it: none, basic
// authentication, or a token for the actions on the GUN.
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
	_, err = io.Copy(io.Discard, response.Body) // so that the connection is reused
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return fmt.Errorf("read the response of %s/v2/: %w", address.Redacted(), err)
	}
	if response.StatusCode >= http.StatusInternalServerError {
		return &statusError{response.StatusCode}
	}
	return manager.AddResponse(response)
}

// credentials is an auth.CredentialStore in memory, with the credentials of one user
// for one Repository.
type credentials struct{ user, password string }

func (c credentials) Basic(*url.URL) (string, string)        { return c.user, c.password }
func (credentials) RefreshToken(*url.URL, string) string     { return "" }
func (credentials) SetRefreshToken(*url.URL, string, string) {} // no token outlives it
