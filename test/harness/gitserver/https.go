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

// serveHTTPS serves git http-backend, Git's CGI program, over TLS.
func (s *Server) serveHTTPS(ctx context.Context, certificate *tls.Certificate) {
	silent := log.New(io.Discard, "", 0) // in tests clients often close connections early
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

// allowed checks the basic authentication of a request to a repository.
func (s *Server) allowed(r *http.Request) bool {
	name := strings.Trim(path.Clean(r.URL.Path), "/")
	name, _, _ = strings.Cut(name, "/info/lfs/")
	for _, suffix := range []string{"/info/refs", "/git-upload-pack"} {
		name = strings.TrimSuffix(name, suffix)
	}
	required, ok := s.options.Credentials[name]
	if !ok {
		required = Credential{s.options.User, s.options.Token}
	}
	if required == (Credential{}) {
		return true
	}
	user, token, _ := r.BasicAuth()
	return subtle.ConstantTimeCompare([]byte(user+"\x00"+token), []byte(required.User+"\x00"+required.Token)) == 1
}

// gatedListener calls hold at the first read of each connection, and so does not
// block Accept.
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

// newCertificate generates a CA and a server certificate for loopback. It returns
// the server certificate, and the CA as PEM.
func newCertificate() (*tls.Certificate, []byte, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "git server of the local stack"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, bundle, nil
}
