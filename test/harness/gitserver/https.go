package gitserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/cgi"
	"path"
	"strings"
	"time"
)

// serveHTTPS runs git's own CGI program behind TLS.
func (s *Server) serveHTTPS(ctx context.Context, certificate *tls.Certificate) {
	silent := log.New(io.Discard, "", 0) // clients that go away are the rule in tests
	s.web = &http.Server{
		Handler:           s.handler(silent),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          silent,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	listener := tls.NewListener(&gatedListener{s.https, func() { s.options.Gate(ctx, Accepted) }}, &tls.Config{
		Certificates: []tls.Certificate{*certificate},
		MinVersion:   tls.VersionTLS12,
	})
	s.running.Go(func() { _ = s.web.Serve(listener) }) // ends with Close
}

func (s *Server) handler(silent *log.Logger) http.Handler {
	backend := &cgi.Handler{
		Path:   s.git,
		Args:   []string{"http-backend"},
		Env:    append(s.environment(), "GIT_PROJECT_ROOT="+s.options.Root, "GIT_HTTP_EXPORT_ALL=1"),
		Logger: silent,
		Stderr: io.Discard,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.running.Add(1)
		defer s.running.Done()
		if !s.allowed(r) && !s.allowedLFS(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "authentication required", http.StatusUnauthorized)
			return
		}
		if s.options.Version0 {
			r.Header.Del("Git-Protocol")
		}
		s.options.Gate(r.Context(), Serving)
		if s.serveLFS(w, r) {
			return
		}
		if strings.HasSuffix(r.URL.Path, "/git-upload-pack") {
			w = &gated{ResponseWriter: w, hold: func() { s.options.Gate(r.Context(), Packing) }}
		}
		backend.ServeHTTP(w, r)
	})
}

// allowed checks basic authentication for the repository of a request.
func (s *Server) allowed(r *http.Request) bool {
	name := strings.Trim(path.Clean(r.URL.Path), "/")
	name, _, _ = strings.Cut(name, "/info/lfs/")
	for _, suffix := range []string{"/info/refs", "/git-upload-pack"} {
		name = strings.TrimSuffix(name, suffix)
	}
	needed, ok := s.options.Credentials[name]
	if !ok {
		needed = Credential{s.options.User, s.options.Token}
	}
	if needed == (Credential{}) {
		return true
	}
	user, token, _ := r.BasicAuth()
	return subtle.ConstantTimeCompare([]byte(user+"\x00"+token), []byte(needed.User+"\x00"+needed.Token)) == 1
}

// gatedListener holds each connection at its first use, not the listener.
type gatedListener struct {
	net.Listener
	hold func()
}

func (l *gatedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &gatedConn{Conn: conn, hold: l.hold}, nil
}

type gatedConn struct {
	net.Conn
	hold func()
	held bool
}

func (c *gatedConn) Read(p []byte) (int, error) {
	if !c.held {
		c.held = true
		c.hold()
	}
	return c.Conn.Read(p)
}

// newCertificate makes an authority and a certificate of it for this machine.
func newCertificate() (*tls.Certificate, []byte, error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "git server of the local stack"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), authorityKey)
	if err != nil {
		return nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authorityDER})
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, bundle, nil
}
