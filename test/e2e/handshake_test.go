//go:build stack

package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/client/certs"
	"github.com/opensbs/sbs/test/kit"
)

// The server accepts only the client of its contract; refused connections do not
// affect that client.
func TestHandshake(t *testing.T) {
	env := shared
	env.prepare(t, "handshake", hello, nil)
	files, err := kit.Certificates(env.Dir())
	if err != nil {
		t.Fatal(err)
	}
	identity, err := certs.LoadClient(files, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	server, err := tls.LoadX509KeyPair(files.ServerCert, files.ServerKey)
	if err != nil {
		t.Fatal(err)
	}
	ca := loadCA(t, files)
	now := time.Now()
	clientKey := identity.TLS.PrivateKey
	for _, test := range []struct {
		name         string
		certificates []tls.Certificate
		version      uint16
		accepted     bool
	}{
		{"the client", []tls.Certificate{identity.TLS}, tls.VersionTLS13, true},
		{"the client with a renewed certificate", []tls.Certificate{ca.issue(t, clientKey, now.Add(time.Hour))}, tls.VersionTLS13, true},
		{"no certificate", nil, tls.VersionTLS13, false},
		{"the client of another CA", []tls.Certificate{untrustedCA(t, ca).issue(t, clientKey, now.Add(time.Hour))}, tls.VersionTLS13, false},
		{"the server's certificate", []tls.Certificate{server}, tls.VersionTLS13, false},
		{"another client of the same CA", []tls.Certificate{ca.issue(t, newKey(t), now.Add(time.Hour))}, tls.VersionTLS13, false},
		{"an expired certificate", []tls.Certificate{ca.issue(t, clientKey, now.Add(-time.Minute))}, tls.VersionTLS13, false},
		{"TLS 1.2", []tls.Certificate{identity.TLS}, tls.VersionTLS12, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := env.requests(t)
			err := env.request(t, &tls.Config{
				RootCAs: roots(identity), ServerName: "localhost", Certificates: test.certificates,
				MinVersion: test.version, MaxVersion: test.version,
			})
			if (err == nil) != test.accepted {
				t.Errorf("the server accepted it: %t (%v)", err == nil, err)
			}
			if !test.accepted && env.requests(t) != before {
				t.Error("a handler received the request")
			}
		})
	}
	env.MustBuild(t)
}

// request sends a request that the server logs, and returns an error if there is no
// response.
func (env *environment) request(t *testing.T, config *tls.Config) error {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, env.Server.URL()+"/image", strings.NewReader(`""`))
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// requests returns the number of requests in the server's log.
func (env *environment) requests(t *testing.T) int {
	t.Helper()
	return strings.Count(read(t, env.Server.Log()), `"msg":"request"`)
}

func roots(identity certs.Identity) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(identity.Root)
	return pool
}

// issuer signs certificates.
type issuer struct {
	certificate *x509.Certificate
	key         crypto.PrivateKey
}

// loadCA returns the user's CA, which the server trusts.
func loadCA(t *testing.T, files certs.Files) issuer {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(files.CA, files.CAKey)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{pair.Leaf, pair.PrivateKey}
}

// untrustedCA returns a CA with the name of the trusted one and another key.
func untrustedCA(t *testing.T, trusted issuer) issuer {
	t.Helper()
	key, certificate := newKey(t), *trusted.certificate
	certificate.PublicKey = key.Public()
	return issuer{&certificate, key}
}

// issue returns a new client certificate for a key.
func (i issuer) issue(t *testing.T, key crypto.PrivateKey, until time.Time) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "Client"},
		NotBefore:    until.AddDate(-1, 0, 0),
		NotAfter:     until,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.certificate, key.(crypto.Signer).Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
