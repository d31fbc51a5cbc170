package registry

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/test/kit/testregistry"
)

// elsewhere is a loopback address that no library takes for this machine, so
// that what is there is a registry like any other.
const elsewhere = "127.8.8.8:0"

// A laboratory's registry has no TLS, or a certificate of its own making. It is
// talked to where the operator named it, and nowhere else.
func TestInsecureRegistries(t *testing.T) {
	real := testregistry.Start(t)
	target := &url.URL{Scheme: "http", Host: real.Address()}
	for name, start := range map[string]func(*httptest.Server){
		"without TLS":     (*httptest.Server).Start,
		"own certificate": (*httptest.Server).StartTLS,
		"TLS of an old day": func(s *httptest.Server) {
			s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}
			s.StartTLS()
		},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", elsewhere)
			if err != nil {
				t.Fatal(err)
			}
			// The token server's address must be this proxy's, so Host is not changed.
			proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.Out.Host = r.In.Host
			}})
			proxy.Listener = listener
			start(proxy)
			t.Cleanup(proxy.Close)
			host := listener.Addr().String()
			writer := real.Writer()
			access := signature.Access{User: writer.User, Password: api.Secret(writer.Password)}
			if repository, err := Open(t.Context(), host+"/ns/name", access, Pull); err == nil {
				repository.Close()
				t.Error("a registry that nobody named was talked to")
			}
			access.Insecure = []string{"other.example.com", host}
			repository, err := Open(t.Context(), host+"/ns/name", access, Pull)
			if err != nil {
				t.Fatal(err)
			}
			defer repository.Close()
			ask, err := http.NewRequest(http.MethodGet, "/v2/", nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := repository.do(t.Context(), ask)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("the registry returns %s", response.Status)
			}
		})
	}
}
