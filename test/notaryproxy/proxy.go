package notaryproxy

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/opensbs/sbs/test/harness/notaryserver"
)

// Proxy is an HTTPS server whose handler a test can replace.
type Proxy struct {
	*httptest.Server
	mu       sync.Mutex
	handler  http.Handler
	recorded map[string][]byte // the last body of a GET, by path
}

// New starts a proxy that forwards requests to server until SetHandler replaces
// that. The test's cleanup closes it.
func New(t *testing.T, server *notaryserver.Server) *Proxy {
	t.Helper()
	p := &Proxy{recorded: map[string][]byte{}}
	p.SetHandler(p.Forward(t, server))
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		handler := p.handler
		p.mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// CABundle returns the proxy's certificate in PEM, which a client must trust.
func (p *Proxy) CABundle() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
}

// SetHandler replaces the handler of all further requests.
func (p *Proxy) SetHandler(handler http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = handler
}

// Forward returns a handler that forwards requests to a notary server and records
// its responses.
func (p *Proxy) Forward(t *testing.T, server *notaryserver.Server) http.Handler {
	t.Helper()
	target, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server.CABundle())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(response *http.Response) error {
			if response.Request.Method != http.MethodGet || response.StatusCode != http.StatusOK {
				return nil
			}
			content, err := io.ReadAll(response.Body)
			if err != nil {
				return err
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.recorded[response.Request.URL.Path] = content
			response.Body = io.NopCloser(strings.NewReader(string(content)))
			return nil
		},
	}
}

// Replay returns a handler that serves the responses recorded so far. change,
// unless it is nil, replaces their bodies.
func (p *Proxy) Replay(change func(path string, content []byte) []byte) http.Handler {
	p.mu.Lock()
	defer p.mu.Unlock()
	recorded := maps.Clone(p.recorded)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, exists := recorded[r.URL.Path]
		if !exists || r.Method != http.MethodGet {
			http.NotFound(w, r)
			return
		}
		if change != nil {
			content = change(r.URL.Path, content)
		}
		_, _ = w.Write(content) // fails only if the client has closed the connection
	})
}
