package server

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
)

// lines is a log that several goroutines write to.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tlsConfigs are the configurations of mutual TLS, for a server without an environment.
type tlsConfigs struct{ server, client *tls.Config }

func newTLSConfigs(t *testing.T) tlsConfigs {
	t.Helper()
	later := time.Now().Add(time.Hour)
	usage := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	ca := identity{}.issue(t, "CA", later)
	roots := x509.NewCertPool()
	roots.AddCert(ca.certificate)
	return tlsConfigs{
		&tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{ca.issue(t, "server", later, usage...).tls()},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots, NextProtos: []string{"h2", "http/1.1"},
		},
		&tls.Config{RootCAs: roots, ServerName: "localhost", Certificates: []tls.Certificate{ca.issue(t, "client", later, usage...).tls()}},
	}
}

// Silent connections, however many there are, can't keep the client out: the oldest of
// them are closed.
func TestUnauthenticatedConnectionsAreClosed(t *testing.T) {
	both := newTLSConfigs(t)
	port := serve(t, both.server, defaultTimeouts)
	client := &http.Client{Timeout: defaultTimeouts.header / 2, Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: both.client}}
	t.Cleanup(client.CloseIdleConnections)
	ask := func() {
		t.Helper()
		response, err := client.Get("https://localhost:" + port + "/image")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("code %d", response.StatusCode)
		}
	}
	ask() // over a connection that is kept

	// More than the server takes of all connections.
	silent := make([]net.Conn, maxConnections+maxUnauthenticated)
	for i := range silent {
		conn, err := net.Dial("tcp", "localhost:"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent[i] = conn
	}
	ask()
	client.CloseIdleConnections()
	ask() // over a new connection
	for i, conn := range silent[:maxConnections] {
		if err := conn.SetReadDeadline(time.Now().Add(defaultTimeouts.header / 2)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("silent connection %d is still open: %v", i, err)
		}
	}
	last := silent[len(silent)-1]
	if err := last.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := last.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the latest silent connection is cut: %v", err)
	}
}

// Errors of unauthenticated connections are logged for debugging only, and are short.
func TestConnectionErrors(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug} {
		var out lines
		logged := log.New(errorLog{slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))}, "", 0)
		logged.Printf("http: TLS handshake error from 192.0.2.1:7: %s", strings.Repeat("x", 1<<20))
		if refused := out.String(); len(refused) > 2*maxErrorText || (refused == "") != (level == slog.LevelInfo) {
			t.Errorf("at level %v, %d bytes are logged: %.200s", level, len(refused), refused)
		}
		logged.Printf("http: Accept error: too many open files; retrying in 1s")
		if !strings.Contains(out.String(), "level=ERROR") {
			t.Errorf("at level %v, it is not logged as an error that no connection is accepted", level)
		}
	}
}

// A handler that panics gives the reply of one that fails. The log has the position,
// and not the content of the request.
func TestHandlerThatPanics(t *testing.T) {
	f := newFixture(t)
	var out lines
	f.Logger = slog.New(slog.NewTextHandler(&out, nil))
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	for _, failure := range []any{errors.New("pass-word"), "pass-word", fmt.Sprint("pass", "-word")} {
		f.builder.panics = failure
		if got := f.mustReturn("PUT", "/image", `""`, http.StatusInternalServerError); got.Code != api.CodeInternal {
			t.Errorf("got %+v", got)
		}
	}
	text := out.String()
	if strings.Count(text, "handler panicked") != 3 || !strings.Contains(text, "fixture_test.go") || strings.Contains(text, "pass-word") {
		t.Errorf("log:\n%s", text)
	}
	if !strings.Contains(text, "code=500") {
		t.Error("the request is not logged")
	}
	f.builder.panics = nil
	f.mustReturn("PUT", "/image", `""`, http.StatusOK)
}

// Neither a path nor a method that a client makes up fills the log or the
// metrics.
func TestLongPathIsShortened(t *testing.T) {
	f := newFixture(t)
	var out lines
	f.Logger = slog.New(slog.NewTextHandler(&out, nil))
	for i := range 3 {
		f.request(fmt.Sprintf("M%d%s", i, strings.Repeat("M", 1000)), "/"+strings.Repeat("x", 10_000), "")
	}
	if size := len(out.String()); size == 0 || size > 3*4*maxLoggedPath {
		t.Errorf("%d bytes are logged for three requests", size)
	}
	if metrics := f.request("GET", "/metrics", "").Body.String(); strings.Contains(metrics, "MMMM") {
		t.Error("the metrics show a method that a client made up")
	}
}
