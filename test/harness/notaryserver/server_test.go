//go:build stack

package notaryserver_test

// The tests check the server with plain HTTPS requests.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/harness/notaryserver"
	"go.uber.org/goleak"
)

func start(t *testing.T) *notaryserver.Server {
	t.Helper()
	server, err := notaryserver.Start(t.Context(), notaryserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// get requests the trust data of a repository that does not exist, and returns the
// status code.
func get(t *testing.T, server *notaryserver.Server, roots *x509.CertPool) (int, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	response, err := client.Get(server.URL() + "/v2/localhost/none/none/_trust/tuf/root.json")
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

func TestServer(t *testing.T) {
	defer goleak.VerifyNone(t)
	server := start(t)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(server.CABundle()) {
		t.Fatal("CABundle has no PEM certificate")
	}
	if status, err := get(t, server, roots); err != nil || status != http.StatusNotFound {
		t.Errorf("unknown repository: status %d, error %v, want 404", status, err)
	}
	if _, err := get(t, server, x509.NewCertPool()); err == nil {
		t.Error("the server served a client that does not trust the CA")
	}
	if file, err := os.ReadFile(server.CAFile()); err != nil || string(file) != string(server.CABundle()) {
		t.Errorf("CA file differs from CABundle (error %v)", err)
	}
	if err := server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, server, roots); err == nil {
		t.Error("the server still serves requests after Close")
	}
	if err := server.Close(t.Context()); err == nil {
		t.Error("a second Close returned no error")
	}
}

func TestTwoServers(t *testing.T) {
	first, second := start(t), start(t)
	if first.URL() == second.URL() {
		t.Errorf("both servers are at %s", first.URL())
	}
	for _, server := range []*notaryserver.Server{first, second} {
		if err := server.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestStartFails(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := notaryserver.Start(ended, notaryserver.Options{Dir: t.TempDir()}); err == nil {
		t.Error("started although the context had ended")
	}
	if _, err := notaryserver.Start(t.Context(), notaryserver.Options{Dir: "/dev/null/none"}); err == nil {
		t.Error("started without a folder")
	}
	t.Setenv("PATH", t.TempDir())
	_, err := notaryserver.Start(t.Context(), notaryserver.Options{Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "install the package") {
		t.Errorf("without the program: %v", err)
	}
}
