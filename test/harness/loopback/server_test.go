package loopback

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServeIsTrustedThroughItsCertificateOnly(t *testing.T) {
	config, ca, err := Certificate("a part")
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "here")
	}), config)

	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	trusting := client(t, &tls.Config{RootCAs: pool})
	for _, host := range []string{"127.0.0.1", "localhost"} {
		url := "https://" + strings.Replace(server.Address(), "127.0.0.1", host, 1)
		response, err := trusting.Get(url)
		if err != nil {
			t.Fatalf("GET %s: %v", url, err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(body) != "here" {
			t.Errorf("GET %s returned %q, %v", url, body, err)
		}
	}

	response, err := client(t, &tls.Config{RootCAs: x509.NewCertPool()}).Get("https://" + server.Address())
	if err == nil {
		response.Body.Close()
		t.Error("a client that does not trust the certificate was served")
	}
}

func TestCloseCutsOffARequestThatDoesNotEnd(t *testing.T) {
	began := make(chan struct{})
	server, err := Serve(t.Context(), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	browser := client(t, nil)
	go func() {
		response, err := browser.Get("http://" + server.Address())
		if err == nil {
			response.Body.Close()
		}
		ended <- err
	}()
	<-began

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := server.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close with a request running returned %v, want that the deadline passed", err)
	}
	if err := <-ended; err == nil {
		t.Error("the request whose connection was closed succeeded")
	}
	if _, err := net.Dial("tcp", server.Address()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial after Close: %v, want connection refused", err)
	}
}

func serve(t *testing.T, handler http.Handler, config *tls.Config) *Server {
	t.Helper()
	server, err := Serve(t.Context(), handler, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server
}

func client(t *testing.T, config *tls.Config) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Docker opens connections in advance, and sends nothing on some of them.
func TestCloseDoesNotWaitForSilentConnections(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			var config *tls.Config
			var err error
			if secure {
				if config, _, err = Certificate("a part"); err != nil {
					t.Fatal(err)
				}
			}
			server, err := Serve(t.Context(), http.NotFoundHandler(), config)
			if err != nil {
				t.Fatal(err)
			}
			silent, err := net.Dial("tcp", server.Address())
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			for held := 0; held == 0; {
				server.silent.Range(func(any, any) bool { held++; return true })
			}
			// Shutdown alone returns after five seconds.
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			if err := server.Close(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}
