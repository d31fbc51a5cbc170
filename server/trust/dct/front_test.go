//go:build stack

package dct

// A front before real notary servers, to do to a client what servers may do.

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

	"github.com/opensbs/sbs/deploy/harness/notaryserver"
	"github.com/opensbs/sbs/server/trust"
	"github.com/theupdateframework/notary/tuf/data"
)

// front is one address that different servers answer at, one after another.
type front struct {
	*httptest.Server
	mu       sync.Mutex
	handler  http.Handler
	answered map[string][]byte // by path: the last body of a GET
}

func newFront(t *testing.T, notary *notaryserver.Server) *front {
	t.Helper()
	f := &front{answered: map[string][]byte{}}
	f.put(f.proxy(t, notary))
	f.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		handler := f.handler
		f.mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *front) put(handler http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handler = handler
}

// proxy passes requests on to a real server and notes what it answers.
func (f *front) proxy(t *testing.T, notary *notaryserver.Server) http.Handler {
	t.Helper()
	target, err := url.Parse(notary.URL())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(notary.CABundle())
	proxy := httputil.NewSingleHostReverseProxy(target)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	proxy.Transport = transport
	proxy.ModifyResponse = func(response *http.Response) error {
		if response.Request.Method != http.MethodGet || response.StatusCode != http.StatusOK {
			return nil
		}
		content, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		f.mu.Lock()
		f.answered[response.Request.URL.Path] = content
		f.mu.Unlock()
		response.Body = io.NopCloser(strings.NewReader(string(content)))
		return nil
	}
	return proxy
}

// replay answers as the server did until now, for ever.
func (f *front) replay() http.Handler {
	f.mu.Lock()
	defer f.mu.Unlock()
	recorded := maps.Clone(f.answered)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, ok := recorded[r.URL.Path]
		if !ok || r.Method != http.MethodGet {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(content) // a client that hung up is its own test's affair
	})
}

// tampered answers as the server did until now, with one character changed behind
// the first mark in the data of a role.
func (f *front) tampered(t *testing.T, role, mark string) http.Handler {
	t.Helper()
	found := false
	f.mu.Lock()
	for path, content := range f.answered {
		before, after, marked := strings.Cut(string(content), mark)
		if strings.Contains(path, "/"+role+".") && marked {
			other := map[bool]string{true: "B", false: "A"}[after[0] == 'A']
			f.answered[path] = []byte(before + mark + other + after[1:])
			found = true
		}
	}
	f.mu.Unlock()
	if !found {
		t.Fatalf("%s has no %s", role, mark)
	}
	return f.replay()
}

func (f *front) request(image trust.Image) trust.Request {
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
	return trust.Request{Notary: f.URL, User: user, Password: password, CABundle: authority, Image: image}
}

// copied is what a backup of the store would be.
func (m *memoryKeys) copied() *memoryKeys {
	return &memoryKeys{entries: maps.Clone(m.entries), failing: map[string]bool{}}
}

// withRole counts the sealed keys of a role.
func (m *memoryKeys) withRole(t *testing.T, role data.RoleName) int {
	t.Helper()
	count := 0
	for _, info := range (&keyStore{keys: m}).ListKeys() {
		if info.Role == role {
			count++
		}
	}
	return count
}
