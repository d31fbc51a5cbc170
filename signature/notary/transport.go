package notary

// How bytes get to the notary server and back: under the caller's context,
// over TLS, within bounds.

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/opensbs/sbs/signature/channel"
)

// maxAnswer bounds a response body in bytes. A signed tag takes about 200
// in targets.json, so this is room for more than 100,000 tags.
const maxAnswer = 32 << 20

// bounded is the base of all requests. A challenge names the token
// server, so it is here that no password leaves in clear, whatever it says.
func bounded(ctx context.Context, base http.RoundTripper, progress func()) http.RoundTripper {
	return channel.New(ctx, base, channel.Limits{MaxAnswer: maxAnswer, Progress: progress}, func(request *http.Request) error {
		return checkScheme(request.URL)
	})
}

// statusError is an answer the library would turn into text only.
type statusError struct{ status int }

func (e *statusError) Error() string {
	return fmt.Sprintf("it answers with HTTP status %d (%s)", e.status, http.StatusText(e.status))
}

// checked turns answers that are no trust data at all into errors.
type checked struct{ base http.RoundTripper }

func (c checked) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := c.base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	switch status := response.StatusCode; {
	case status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return nil, errors.Join(&statusError{status}, response.Body.Close())
	}
	return response, nil
}

// Name is a server in messages and in what is remembered: host, port
// unless it is the usual one, and path.
func Name(address *url.URL) string {
	host := address.Host
	if address.Scheme == "https" && address.Port() == "443" {
		host = host[:len(host)-len(":443")]
	}
	return host + address.Path
}
