package httpclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What may not differ between servers is the same whatever the options are.
func TestBoundsAreTheSameForAll(t *testing.T) {
	for name, options := range map[string]Options{
		"none": {},
		"all":  {Roots: x509.NewCertPool(), Proxy: http.ProxyFromEnvironment, Dial: Dial, HTTP2: true, ResponseHeader: time.Minute},
	} {
		transport := New(options)
		config := transport.TLSClientConfig
		if transport.TLSHandshakeTimeout != connectTimeout || transport.MaxResponseHeaderBytes != maxHeaders || transport.DialContext == nil {
			t.Errorf("%s: the bounds are %v, %d", name, transport.TLSHandshakeTimeout, transport.MaxResponseHeaderBytes)
		}
		if config.MinVersion != tls.VersionTLS12 || config.InsecureSkipVerify || config.RootCAs != options.Roots {
			t.Errorf("%s: TLS is %+v", name, config)
		}
	}
}

// A server with an old version of TLS, an unknown certificate or a header without
// end is refused.
func TestServersThatAreRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			w.Header().Set("X-Long", strings.Repeat("x", maxHeaders))
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10}
	server.StartTLS()
	t.Cleanup(server.Close)
	known := x509.NewCertPool()
	known.AddCert(server.Certificate())
	get := func(roots *x509.CertPool, path string) error {
		transport := New(Options{Roots: roots})
		defer transport.CloseIdleConnections()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			return err
		}
		return response.Body.Close()
	}
	if err := get(known, "/"); err != nil {
		t.Fatal(err)
	}
	var unverified *tls.CertificateVerificationError
	if err := get(x509.NewCertPool(), "/"); !errors.As(err, &unverified) {
		t.Errorf("an unknown certificate: %v", err)
	}
	if err := get(known, "/long"); err == nil || !strings.Contains(err.Error(), "exceeded") {
		t.Errorf("a header without end: %v", err)
	}
	server.TLS.MaxVersion = tls.VersionTLS11
	if err := get(known, "/"); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: %v", err)
	}
}
