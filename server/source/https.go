package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/opensbs/sbs/server/progress"
	"github.com/opensbs/sbs/server/source/wire"
	"github.com/opensbs/sbs/signature/httpclient"
)

// transports are HTTPS connections that no one else uses, by [IsForge] of the host
// that they are for.
type transports map[bool]*httpclient.Transport

// newTransports returns transports that connect when needed, while ctx lasts. They
// verify servers against the CA certificates for each host, and use the proxy unless
// it is nil.
func newTransports(ctx context.Context, trusted authorities, proxy Proxy) transports {
	dial := func(_ context.Context, network, address string) (net.Conn, error) {
		conn, err := httpclient.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return reportingConn{conn, ctx}, nil
	}
	t := transports{}
	for forge, pool := range trusted.byForge() {
		t[forge] = httpclient.New(httpclient.Options{Roots: pool, Proxy: proxy, Dial: dial, HTTP2: true})
	}
	return t
}

// RoundTrip sends a request over the connections for its host.
func (t transports) RoundTrip(request *http.Request) (*http.Response, error) {
	return t[IsForge(request.URL.Hostname())].RoundTrip(request)
}

// CloseIdleConnections ends the connections that no response is read from.
func (t transports) CloseIdleConnections() {
	for _, transport := range t {
		transport.CloseIdleConnections()
	}
}

// httpsConnection is a [wire.Connection] over connections that are this clone's
// own, closed at the end.
type httpsConnection struct {
	transports
	base   string     // URL of the repository, escaped as it was given or as a redirect gave it
	header string     // Authorization, or ""
	access credential // that header is of
}

// dialHTTPS prepares a connection; it opens with the first request, and ends with
// ctx.
func dialHTTPS(ctx context.Context, u URL, access credential, trusted authorities, proxy Proxy) *httpsConnection {
	host := u.Address()
	if u.onDefaultPort() {
		host = strings.TrimSuffix(host, ":443")
	}
	return &httpsConnection{newTransports(ctx, trusted, proxy), u.Scheme + "://" + host + u.Path, access.header(u), access}
}

// reportingConn reports what is sent and received as progress of ctx.
type reportingConn struct {
	net.Conn
	ctx context.Context //nolint:containedctx // the connection is handed to what knows none
}

func (c reportingConn) Read(p []byte) (int, error)  { return progress.Reader(c.ctx, c.Conn).Read(p) }
func (c reportingConn) Write(p []byte) (int, error) { return progress.Writer(c.ctx, c.Conn).Write(p) }

// send sends a request without following redirects.
func (c *httpsConnection) send(request *http.Request) (*http.Response, error) {
	request.Header.Set("User-Agent", "git/2.47 (sbs)")
	request.Header.Set("Git-Protocol", wire.Version)
	if c.header != "" {
		request.Header.Set("Authorization", c.header)
	}
	return c.RoundTrip(request)
}

const (
	discovery    = "/info/refs"
	maxRedirects = 10
)

// Discover asks for the server's greeting, and follows redirects. One that leaves
// the origin, or what the credentials are for, takes none along.
func (c *httpsConnection) Discover(ctx context.Context) (io.ReadCloser, error) {
	for range maxRedirects {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+discovery+"?service="+wire.Service, nil)
		if err != nil {
			return nil, errors.New("the repository's URL cannot be parsed")
		}
		response, err := c.send(request)
		if err != nil {
			return nil, err
		}
		switch response.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			if err := errors.Join(c.redirect(request.URL, response), response.Body.Close()); err != nil {
				return nil, err
			}
			continue
		}
		if err := c.check(response, "advertisement"); err != nil {
			return nil, errors.Join(err, response.Body.Close())
		}
		return response.Body, nil
	}
	return nil, fmt.Errorf("redirect: more than %d of them", maxRedirects)
}

// redirect moves the connection to where a response to discovery leads.
func (c *httpsConnection) redirect(from *url.URL, response *http.Response) error {
	to, err := response.Location()
	if err != nil {
		return errors.New("redirect: it leads to no valid URL")
	}
	path, ok := strings.CutSuffix(to.EscapedPath(), discovery)
	if from.Scheme == schemeHTTPS && to.Scheme == schemeHTTP {
		return errors.New("redirect: it leads from https to http, which is not encrypted")
	}
	to.RawQuery, to.Fragment, to.User = "", "", nil
	target, err := ParseURL(to.String())
	if err != nil { // may be longer than a repository's, never by much
		return fmt.Errorf("redirect: %w", err)
	}
	if to.Scheme != schemeHTTPS && to.Scheme != schemeHTTP {
		return fmt.Errorf("redirect: it leads to the scheme %q", to.Scheme)
	}
	if !ok {
		return fmt.Errorf("redirect: %s is no repository, perhaps a page to sign in: check GITHUB_URL and the token", wire.Excerpt(to.String()))
	}
	if to.Scheme != from.Scheme || !strings.EqualFold(to.Host, from.Host) || !c.access.isFor(target) {
		c.header = ""
	}
	c.base = to.Scheme + "://" + to.Host + path
	return nil
}

// Request posts a request.
func (c *httpsConnection) Request(ctx context.Context, body []byte, _ bool) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/"+wire.Service, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the repository's URL cannot be parsed")
	}
	request.Header.Set("Content-Type", "application/x-"+wire.Service+"-request")
	request.Header.Set("Accept", "application/x-"+wire.Service+"-result")
	response, err := c.send(request)
	if err != nil {
		return nil, err
	}
	if err := c.check(response, "result"); err != nil {
		return nil, errors.Join(err, response.Body.Close())
	}
	return response.Body, nil
}

// check refuses a response that is not of Git's protocol. The pages that come with
// a refusal are not repeated, as they could hold anything.
func (c *httpsConnection) check(response *http.Response, kind string) error {
	switch code := response.StatusCode; {
	case code == http.StatusUnauthorized && bearerOnly(response.Header) && !strings.HasPrefix(c.header, "Bearer "):
		return fmt.Errorf("%w; this server accepts Bearer tokens only: set GITHUB_AUTH, or auth in GITHUB_CREDENTIALS, to bearer", ErrCredentials)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return ErrCredentials
	case code == http.StatusNotFound:
		return ErrNotFound
	case code >= 300:
		return fmt.Errorf("the server replied with the status %d %s", code, http.StatusText(code))
	}
	given, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	given = strings.ToLower(strings.TrimSpace(given))
	if given == "application/x-"+wire.Service+"-"+kind {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err != nil {
		return err
	}
	if dumb.Match(text) {
		return errors.New("the server offers the repository as plain files (\"dumb HTTP\"), which is not supported: set it up with git http-backend, or use SSH")
	}
	return &wire.NotGitError{ContentType: given, Text: wire.Excerpt(string(text))}
}

// dumb is the beginning of info/refs where the files of a repository are served as
// they are (gitprotocol-http, "Dumb Clients").
var dumb = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?\trefs/`)

// bearerOnly reports whether the server asks for Bearer tokens and for nothing else
// that this client can send.
func bearerOnly(header http.Header) bool {
	challenges := strings.ToLower(strings.Join(header.Values("WWW-Authenticate"), ","))
	return strings.Contains(challenges, "bearer") && !strings.Contains(challenges, "basic")
}

// Close ends the connections.
func (c *httpsConnection) Close() error {
	c.CloseIdleConnections()
	return nil
}
