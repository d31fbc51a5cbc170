//go:build stack

package e2e

// A proxy to the notary server that replays the first timestamp of a repository after
// rollBack. It forwards the other trust data unchanged, so that all signatures are
// valid.

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

// exchange records the first timestamp of a repository, and after rollBack replaces
// the current one by it.
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

// ca returns the certificate of the proxy as PEM.
func (r *replay) ca() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw}))
}
