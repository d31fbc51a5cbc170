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

// The engine replies to requests for BuildKit as an engine without BuildKit does, and
// as a failing BuildKit does. With a policy for base images both builds fail. Without
// a policy the classic builder builds if there is no BuildKit: the record has the
// builder, and no digest of a base image, because that builder reports none.
func TestEngineWithoutBuildKit(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	good := v.image("classic/good:1")
	v.push(t, good, "good")
	v.signSigstore(t, good)
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

// withoutBuildKit replaces the gate of the engine, until the test ends, by a proxy
// that replies with status to requests for BuildKit.
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
