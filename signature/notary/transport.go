package notary

// The transport to the notary server: under the caller's context, over TLS, within
// bounds.

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/opensbs/sbs/signature/httpclient"
)

// maxResponse is the maximum size of a response body, in bytes. A signed tag takes
// about 200 bytes in targets.json, so this is enough for more than 100,000 tags.
const maxResponse = 32 << 20

// bounded returns the transport of all requests. The challenge of a server names the
// token server, so the scheme is checked here: no password is ever sent unencrypted.
func bounded(ctx context.Context, base http.RoundTripper, progress func()) http.RoundTripper {
	return httpclient.Bound(ctx, base, httpclient.Limits{MaxResponse: maxResponse, Progress: progress}, func(request *http.Request) error {
		return checkScheme(request.URL)
	})
}

// statusError is an HTTP status that the library would convert to text only.
type statusError struct{ status int }

func (e *statusError) Error() string {
	return fmt.Sprintf("it responded with HTTP status %d (%s)", e.status, http.StatusText(e.status))
}

// checked returns an error for responses that are not trust data.
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

// Name returns the name of a server for messages and for records of it: host, port
// unless it is 443, and path.
func Name(address *url.URL) string {
	host := address.Host
	if address.Scheme == "https" && address.Port() == "443" {
		host = host[:len(host)-len(":443")]
	}
	return host + address.Path
}
