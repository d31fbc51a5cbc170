//go:build stack

// A notary server that goes back in time: a proxy that remembers the first
// timestamp it passed on, and serves it again when it is told to. Whatever else
// the server has stays, so all signatures hold.
package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

type replay struct {
	server *httptest.Server

	mu     sync.Mutex
	first  map[string][]byte // by path
	rolled bool
}

func (env *environment) newReplay(t *testing.T) *replay {
	t.Helper()
	target, err := url.Parse(env.Notary.URL())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(env.Notary.CABundle())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	r := &replay{first: map[string][]byte{}}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = transport
	proxy.ModifyResponse = r.exchange
	r.server = httptest.NewTLSServer(proxy)
	t.Cleanup(func() {
		r.server.Close()
		transport.CloseIdleConnections()
	})
	return r
}

// exchange keeps the first timestamp of a repository, or puts it in the place of
// the present one.
func (r *replay) exchange(response *http.Response) error {
	path := response.Request.URL.Path
	if !strings.HasSuffix(path, "/timestamp.json") || response.StatusCode != http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.first[path]; !known {
		r.first[path] = body
	}
	if r.rolled {
		body = r.first[path]
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response.Header.Del("Content-Length")
	return nil
}

func (r *replay) rollBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rolled = true
}

// ca is the certificate of the proxy, as PEM.
func (r *replay) ca() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw}))
}
