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

// Only the one client that the contract names comes in, and whoever else tries
// does no harm to it.
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
	ca := authority(t, files)
	now := time.Now()
	clientKey := identity.TLS.PrivateKey
	for _, test := range []struct {
		name    string
		show    []tls.Certificate
		version uint16
		in      bool
	}{
		{"the client", []tls.Certificate{identity.TLS}, tls.VersionTLS13, true},
		{"the client with a renewed certificate", []tls.Certificate{ca.issue(t, clientKey, now.Add(time.Hour))}, tls.VersionTLS13, true},
		{"no certificate", nil, tls.VersionTLS13, false},
		{"the client of another authority", []tls.Certificate{otherAuthority(t, ca).issue(t, clientKey, now.Add(time.Hour))}, tls.VersionTLS13, false},
		{"the server's certificate", []tls.Certificate{server}, tls.VersionTLS13, false},
		{"another client of the same authority", []tls.Certificate{ca.issue(t, newKey(t), now.Add(time.Hour))}, tls.VersionTLS13, false},
		{"an expired certificate", []tls.Certificate{ca.issue(t, clientKey, now.Add(-time.Minute))}, tls.VersionTLS13, false},
		{"TLS 1.2", []tls.Certificate{identity.TLS}, tls.VersionTLS12, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := env.requests(t)
			err := env.knock(t, &tls.Config{
				RootCAs: roots(identity), ServerName: "localhost", Certificates: test.show,
				MinVersion: test.version, MaxVersion: test.version,
			})
			if (err == nil) != test.in {
				t.Errorf("the server let it in: %t (%v)", err == nil, err)
			}
			if !test.in && env.requests(t) != before {
				t.Error("a handler saw the request")
			}
		})
	}
	env.MustBuild(t)
}

// knock sends a request that the server would log, and returns why there was no
// answer.
func (env *environment) knock(t *testing.T, config *tls.Config) error {
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

// requests counts those that the server logged.
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

// authority is the user's own, which the server trusts.
func authority(t *testing.T, files certs.Files) issuer {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(files.CA, files.CAKey)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{pair.Leaf, pair.PrivateKey}
}

// otherAuthority is one that the server has never heard of, but that says it is
// the server's.
func otherAuthority(t *testing.T, trusted issuer) issuer {
	t.Helper()
	key, certificate := newKey(t), *trusted.certificate
	certificate.PublicKey = key.Public()
	return issuer{&certificate, key}
}

// issue makes a client certificate for a key.
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
