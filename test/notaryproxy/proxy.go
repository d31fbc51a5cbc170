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

// Proxy is one address that different servers answer at, one after another.
type Proxy struct {
	*httptest.Server
	mu       sync.Mutex
	handler  http.Handler
	answered map[string][]byte // by path: the last body of a GET
}

// New passes requests on to server, until SetHandler changes that or the test ends.
func New(t *testing.T, server *notaryserver.Server) *Proxy {
	t.Helper()
	p := &Proxy{answered: map[string][]byte{}}
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

// CABundle is what a client needs to trust the proxy, in PEM.
func (p *Proxy) CABundle() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
}

// SetHandler lets handler answer from now on.
func (p *Proxy) SetHandler(handler http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = handler
}

// Forward passes requests on to a real server and notes what it answers.
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
			p.answered[response.Request.URL.Path] = content
			response.Body = io.NopCloser(strings.NewReader(string(content)))
			return nil
		},
	}
}

// Replay answers as the server did until now, for ever. What change makes of an
// answer is answered instead; nil leaves all as it was.
func (p *Proxy) Replay(change func(path string, content []byte) []byte) http.Handler {
	p.mu.Lock()
	defer p.mu.Unlock()
	recorded := maps.Clone(p.answered)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, there := recorded[r.URL.Path]
		if !there || r.Method != http.MethodGet {
			http.NotFound(w, r)
			return
		}
		if change != nil {
			content = change(r.URL.Path, content)
		}
		_, _ = w.Write(content) // a client that hung up is its own test's affair
	})
}
