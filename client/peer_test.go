package client

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/opensbs/sbs/client/certs"
)

// The peer of these tests is an HTTPS server of the standard library that
// requires a client certificate like the real one. Its replies are written
// down in each test; the real server is the peer of the end-to-end tests.

const host = "localhost"

// identities are both sides' certificates, made like a user makes them.
type identities struct {
	client, server certs.Identity
}

func makeIdentities(t *testing.T, hostname string, at time.Time) identities {
	t.Helper()
	t.Chdir(t.TempDir())
	ids, err := makeHere(hostname, at)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func makeHere(hostname string, at time.Time) (ids identities, err error) {
	f := certs.Locate("test", "1", certs.Named{})
	if _, err := certs.CreateClient(f, at); err != nil {
		return ids, err
	}
	if _, err := certs.CreateServer(f, hostname, at); err != nil {
		return ids, err
	}
	if ids.client, err = certs.LoadClient(f, at); err != nil {
		return ids, err
	}
	ids.server, err = certs.LoadServer(f, hostname, at)
	return ids, err
}

// The identities that most tests share: to make keys takes longer than to use
// them.
var makeUsual = sync.OnceValues(func() (identities, error) { return makeHere(host, time.Now()) })

func usualIdentities(t *testing.T) identities {
	t.Helper()
	t.Chdir(t.TempDir())
	ids, err := makeUsual()
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// peerConfig is the TLS configuration of the real server.
func peerConfig(server, client certs.Identity) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(client.Root)
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{server.TLS},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    roots,
	}
}

// connect starts a peer and returns a client of it. Both end with the test.
func connect(t *testing.T, identity certs.Identity, config *tls.Config, handler http.HandlerFunc) *Client {
	t.Helper()
	peer := httptest.NewUnstartedServer(reading(handler))
	peer.TLS = config
	peer.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
	peer.StartTLS()
	t.Cleanup(peer.Close)
	u, err := url.Parse(peer.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	c := New(host, port, identity)
	t.Cleanup(c.Close)
	return c
}

// with returns a client whose peer replies by handler.
func (ids identities) with(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	return connect(t, ids.client, peerConfig(ids.server, ids.client), handler)
}

// with is the same for one use.
func with(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	return usualIdentities(t).with(t, handler)
}

// reading reads a request's body before it calls the handler, as the real server does:
// only then net/http notices that a client has closed the connection.
func reading(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler(w, r)
	}
}
