package registry

// How bytes get to the registry and back: under the caller's context, within
// bounds, and in clear only to this machine itself and to a laboratory.

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/httpclient"
)

// maxResponse bounds a response in bytes: the largest is a signed inventory of
// an image's parts. Manifests and lists are smaller.
const maxResponse = 32 << 20

// bounded is the base of all requests to a registry.
func bounded(ctx context.Context, base http.RoundTripper, access signature.Access) http.RoundTripper {
	limits := httpclient.Limits{MaxResponse: maxResponse, Progress: access.Progress}
	return &httpclient.Retrying{
		Base:     httpclient.Bound(ctx, base, limits, func(request *http.Request) error { return checkScheme(request, access.Insecure) }),
		Notice:   access.Notice,
		Progress: access.Progress,
	}
}

// checkScheme lets https pass, and http to loopback and to the hosts (with their
// ports) that are named insecure.
func checkScheme(request *http.Request, insecure []string) error {
	host := request.URL.Hostname()
	address := net.ParseIP(host)
	loopback := strings.EqualFold(host, "localhost") || address != nil && address.IsLoopback()
	if request.URL.Scheme == "https" || request.URL.Scheme == "http" && (loopback || slices.Contains(insecure, request.URL.Host)) {
		return nil
	}
	return fmt.Errorf("%s is to be reached over plain %s, which is taken for loopback only, and for what SBS_INSECURE_REGISTRIES names", request.URL.Host, request.URL.Scheme)
}

// Client is a client for files outside of a registry, such as signatures in a
// lookaside store: with the same bounds, without credentials. close lets go of its
// connections.
func Client(ctx context.Context, access signature.Access) (client *http.Client, close func(), err error) {
	access.Insecure = nil
	base, err := httpclient.NewTrusting(access.CABundle)
	if err != nil {
		return nil, nil, err
	}
	return &http.Client{Transport: bounded(ctx, base, access)}, base.CloseIdleConnections, nil
}
