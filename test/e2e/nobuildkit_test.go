//go:build stack

package e2e

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

// TestEngineWithoutBuildKit lets the server's engine reply to the path of BuildKit's
// API as engines without one do, and as a BuildKit that fails does. Under a policy
// for base images neither builds anything. Without one the classic builder builds
// where there is no BuildKit, the record says so, and holds no digest of a base
// image, because that builder reports none.
func TestEngineWithoutBuildKit(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	good := v.named("classic/good:1")
	v.push(t, good, "good")
	v.cosigned(t, good)
	rules := policy(map[string]any{"image": "**", "method": "sigstore", "key": v.pem})
	dockerfile := files{"Dockerfile": "FROM " + good + "\nLABEL a=b\n"}

	for _, test := range []struct {
		name    string
		status  int
		changes map[string]any
		problem string // none where the build succeeds
	}{
		{"none under a policy", http.StatusNotFound, rules, "does not report which ones it used"},
		{"failing under a policy", http.StatusServiceUnavailable, rules, "received 503"},
		{"failing", http.StatusServiceUnavailable, nil, "received 503"},
		{"none", http.StatusNotFound, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := "classic-" + strings.ReplaceAll(test.name, " ", "-")
			env.prepare(t, name, dockerfile, test.changes)
			env.withoutBuildKit(t, test.status)
			built := env.Build(t)
			if test.problem != "" {
				if !api.Failed(built.Status.Status) || !strings.Contains(built.Cause, test.problem) {
					t.Errorf("%q (%s), want a failure with %q", built.Status.Status, built.Cause, test.problem)
				}
				return
			}
			if built.Status.Status != api.StatusSuccess {
				t.Fatalf("%q (%s)", built.Status.Status, built.Cause)
			}
			record := env.record(t)
			if record.Tools["builder"] != "classic" || record.Tools["builder fallback"] == "" {
				t.Errorf("the record's tools are %v", record.Tools)
			}
			if len(record.BaseImages) != 1 || record.BaseImages[0].Digest != "" {
				t.Errorf("the record's base images are %+v", record.BaseImages)
			}
		})
	}
}

// withoutBuildKit puts an engine in the place of the gate that replies with status
// wherever BuildKit is asked for, until the test ends.
func (env *environment) withoutBuildKit(t *testing.T, status int) {
	t.Helper()
	if err := env.Gates.Engine.Down(); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", env.Gates.Engine.Address())
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", env.Gates.Engine.Target())
	}}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "engine"})
	proxy.Transport, proxy.FlushInterval = transport, -1
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/grpc") {
			http.Error(w, "not here", status)
			return
		}
		proxy.ServeHTTP(w, r)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with Close
	}()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-done
		transport.CloseIdleConnections()
		if err := env.Gates.Engine.Up(); err != nil {
			t.Error(err)
		}
	})
}
