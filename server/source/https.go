package source

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// httpsSession is go-git's HTTP session over connections that are this clone's
// own: verified against the system's authorities and those of the request,
// through the request's proxy if it has one, closed at the end. go-git drops credentials when a
// redirect leaves the origin and refuses one from https to http.
type httpsSession struct {
	transport.UploadPackSession
	connections *http.Transport
}

// newConnections returns connections of which nobody else knows.
func newConnections(authorities *x509.CertPool, proxy Proxy) *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            (&net.Dialer{}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// dialHTTPS prepares a session; connections open with the first request.
func dialHTTPS(u URL, user, token string, authorities *x509.CertPool, proxy Proxy) (*httpsSession, error) {
	connections := newConnections(authorities, proxy)
	client := &http.Client{Transport: boundedBodies{connections}, CheckRedirect: checkRedirect}
	endpoint := &transport.Endpoint{Protocol: u.Scheme, Host: u.Host, Port: u.Port, Path: u.Path}
	if strings.Contains(u.Host, ":") {
		endpoint.Host = "[" + u.Host + "]"
	}
	var auth transport.AuthMethod
	if user != "" || token != "" {
		auth = &githttp.BasicAuth{Username: userFor(user), Password: token}
	}
	session, err := githttp.NewClient(client).NewUploadPackSession(endpoint, auth)
	if err != nil {
		return nil, err
	}
	return &httpsSession{UploadPackSession: session, connections: connections}, nil
}

// userFor names someone beside a token that came alone: the forges look at the
// token only, but want a name.
func userFor(user string) string {
	if user == "" {
		return "git"
	}
	return user
}

// checkRedirect keeps redirects to addresses that would do as a repository URL.
func checkRedirect(request *http.Request, _ []*http.Request) error {
	target := *request.URL
	target.RawQuery, target.User = "", nil
	if _, err := ParseURL(target.String()); err != nil {
		return fmt.Errorf("redirect: %w", err)
	}
	return nil
}

// AdvertisedReferencesContext reads the server's references.
func (s *httpsSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	refs, err := s.UploadPackSession.AdvertisedReferencesContext(ctx)
	return refs, plain(err)
}

// UploadPack asks for what is wanted; the pack is still to be read.
func (s *httpsSession) UploadPack(ctx context.Context, request *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	response, err := s.UploadPackSession.UploadPack(ctx, request)
	return response, plain(err)
}

// Close ends the connections.
func (s *httpsSession) Close() error {
	s.connections.CloseIdleConnections()
	return nil
}

// plain replaces the errors in which go-git quotes the server's page: it could
// repeat anything, our own request with its credentials too.
func plain(err error) error {
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return ErrCredentials
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return ErrNotFound
	}
	return err
}

// boundedBodies limits the answers which go-git holds in memory: the list of
// references, and the page that comes with an error.
type boundedBodies struct {
	next http.RoundTripper
}

func (b boundedBodies) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	switch {
	case response.StatusCode >= 300:
		response.Body = replaced{io.LimitReader(response.Body, 4<<10), response.Body}
	case request.Method == http.MethodGet:
		left := allowance{"bytes of references", maxAdvertisement, maxAdvertisement}
		response.Body = replaced{&boundedReader{response.Body, left}, response.Body}
	}
	return response, nil
}

type replaced struct {
	io.Reader
	io.Closer
}

// certificateAuthorities returns the system's authorities and those of bundle.
func certificateAuthorities(bundle []byte) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("certificate authorities of the system: %w", err)
	}
	if len(bundle) > 0 && !pool.AppendCertsFromPEM(bundle) {
		return nil, errors.New("certificate authorities: the given bundle holds no PEM certificate")
	}
	return pool, nil
}
