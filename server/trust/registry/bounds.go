package registry

// How bytes get to the registry and back: under the caller's context, within
// bounds, and in clear only to this machine itself.

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	requestLimit = 30 * time.Second
	maxAnswer    = 8 << 20 // bytes; manifests, signatures and lists of them are smaller
	maxHeaders   = 64 << 10
)

// bounded is the base of all requests, token requests and redirects included.
// The context is a field because the library asks some questions of its own
// without one; it takes a RoundTripper, which lives as long as one Sign.
type bounded struct {
	ctx  context.Context
	base http.RoundTripper
}

func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := checkScheme(request); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(b.ctx, requestLimit)
	stop := context.AfterFunc(request.Context(), cancel)
	release := func() { stop(); cancel() }
	response, err := b.base.RoundTrip(request.WithContext(ctx))
	if err != nil {
		release()
		return nil, err
	}
	response.Body = &body{http.MaxBytesReader(nil, response.Body, maxAnswer), release}
	return response, nil
}

// body frees the request's timer when it is closed.
type body struct {
	io.ReadCloser
	release func()
}

func (b *body) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}

// checkScheme lets https pass, and http to loopback.
func checkScheme(request *http.Request) error {
	host := request.URL.Hostname()
	address := net.ParseIP(host)
	loopback := strings.EqualFold(host, "localhost") || address != nil && address.IsLoopback()
	if request.URL.Scheme == "https" || request.URL.Scheme == "http" && loopback {
		return nil
	}
	return fmt.Errorf("%s is to be reached over plain %s, which is taken for loopback only", request.URL.Host, request.URL.Scheme)
}
