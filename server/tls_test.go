package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/opensbs/sbs/api/public"
)

// identity is a certificate and its key, and, for an authority, what it issues.
type identity struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func (i identity) issue(t *testing.T, name string, notAfter time.Time, usage ...x509.ExtKeyUsage) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: notAfter,
		ExtKeyUsage: usage, DNSNames: []string{"localhost"},
	}
	parent, signer := i.certificate, i.key
	if parent == nil {
		template.IsCA, template.BasicConstraintsValid = true, true
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return identity{certificate, key}
}

func (i identity) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.certificate.Raw})
}

func (i identity) keyPEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (i identity) tls() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{i.certificate.Raw}, PrivateKey: i.key}
}

func encoded(text []byte) string { return base64.StdEncoding.EncodeToString(text) }

// TestAcceptedClientCertificates connects to a server with every kind of certificate.
func TestAcceptedClientCertificates(t *testing.T) {
	later := time.Now().Add(24 * time.Hour)
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	ca := identity{}.issue(t, "CA", later)
	otherCA := identity{}.issue(t, "other CA", later)
	client := ca.issue(t, "client", later, both...)
	serverCertificate := ca.issue(t, "server", later, both...)
	key, err := x509.MarshalPKCS8PrivateKey(serverCertificate.key)
	if err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{
		EnvClientCertificate: encoded(client.pem()),
		// The stock client sends a bundle whole.
		EnvClientCA:          encoded(append(otherCA.pem(), ca.pem()...)),
		EnvServerCertificate: encoded(serverCertificate.pem()),
		EnvServerKey:         encoded([]byte("sealed to the enclave")),
	}
	open := func(message []byte) ([]byte, error) {
		if string(message) != "sealed to the enclave" {
			return nil, errors.New("not for us")
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), nil
	}
	config, err := TLSConfig(func(name string) string { return environment[name] }, open)
	if err != nil {
		t.Fatal(err)
	}
	address := serve(t, config, defaultTimeouts)

	expired := ca.issue(t, "expired", time.Now().Add(-time.Hour), both...)
	renewed := client
	renewed.certificate = reissued(t, ca, client)
	foreignCA := identity{}.issue(t, "CA", later)
	for _, test := range []struct {
		name     string
		present  []tls.Certificate
		newest   uint16
		accepted bool
	}{
		{"the client", []tls.Certificate{client.tls()}, tls.VersionTLS13, true},
		{"the client with a renewed certificate", []tls.Certificate{renewed.tls()}, tls.VersionTLS13, true},
		{"the client with TLS 1.2", []tls.Certificate{client.tls()}, tls.VersionTLS12, false},
		{"no certificate", nil, tls.VersionTLS13, false},
		{"the server's own certificate", []tls.Certificate{serverCertificate.tls()}, tls.VersionTLS13, false},
		{"another client of the same CA", []tls.Certificate{ca.issue(t, "client", later, both...).tls()}, tls.VersionTLS13, false},
		{"a client of another CA of the bundle", []tls.Certificate{otherCA.issue(t, "client", later, both...).tls()}, tls.VersionTLS13, false},
		{"a client of another CA", []tls.Certificate{foreignCA.issue(t, "client", later, both...).tls()}, tls.VersionTLS13, false},
		{"an expired client", []tls.Certificate{expired.tls()}, tls.VersionTLS13, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			roots := x509.NewCertPool()
			roots.AddCert(ca.certificate)
			transport := &http.Transport{TLSClientConfig: &tls.Config{
				RootCAs: roots, MinVersion: tls.VersionTLS12, MaxVersion: test.newest,
				// Present the certificate whatever the server asks for.
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if len(test.present) == 0 {
						return &tls.Certificate{}, nil
					}
					return &test.present[0], nil
				},
			}}
			defer transport.CloseIdleConnections()
			response, err := (&http.Client{Transport: transport}).Get("https://localhost:" + address + "/image")
			if err == nil {
				_ = response.Body.Close()
			}
			if accepted := err == nil && response.StatusCode == http.StatusOK; accepted != test.accepted {
				t.Errorf("accepted: %v, want %v (%v)", accepted, test.accepted, err)
			}
		})
	}
}

// reissued returns a new certificate for the same key.
func reissued(t *testing.T, ca, old identity) *x509.Certificate {
	t.Helper()
	template := *old.certificate
	template.SerialNumber = big.NewInt(7)
	der, err := x509.CreateCertificate(rand.Reader, &template, ca.certificate, &old.key.PublicKey, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// serve runs a server until the test ends, and returns its port.
func serve(t *testing.T, config *tls.Config, waits timeouts) string {
	t.Helper()
	f := newFixture(t)
	f.Logger = slog.New(slog.DiscardHandler)
	f.timeouts = waits
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(ctx, listener, config) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestEnvironmentIsChecked(t *testing.T) {
	later := time.Now().Add(time.Hour)
	ca := identity{}.issue(t, "CA", later)
	good := map[string]string{
		EnvClientCertificate: encoded(ca.pem()),
		EnvClientCA:          encoded(ca.pem()),
		EnvServerCertificate: encoded(ca.pem()),
		EnvServerKey:         encoded([]byte("x")),
	}
	open := func([]byte) ([]byte, error) { return nil, io.ErrUnexpectedEOF }
	for name := range good {
		for _, value := range []string{"", "%", encoded([]byte("no PEM"))} {
			_, err := TLSConfig(func(asked string) string {
				if asked == name {
					return value
				}
				return good[asked]
			}, open)
			if err == nil {
				t.Errorf("%s=%q was accepted", name, value)
			}
		}
	}
}

// Everyone who reads a contract reads these: a private key in them is an error, and is
// not skipped.
func TestPrivateKeysInCertificatesOfTheEnvironment(t *testing.T) {
	ca := identity{}.issue(t, "CA", time.Now().Add(time.Hour))
	for _, name := range []string{EnvClientCertificate, EnvClientCA, EnvServerCertificate} {
		_, err := TLSConfig(func(asked string) string {
			if asked == name {
				return encoded(append(ca.pem(), ca.keyPEM(t)...))
			}
			return encoded(ca.pem())
		}, func([]byte) ([]byte, error) { return ca.keyPEM(t), nil })
		if !errors.Is(err, public.ErrPrivate) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
