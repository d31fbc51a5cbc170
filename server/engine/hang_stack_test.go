//go:build stack

package engine

// Engines that hang, freeze or lack BuildKit, all of them the machine's own
// Engine, reached through a proxy.

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hanging starts an Engine that stops responding to requests for paths with a prefix after
// hang is called.
func hanging(t *testing.T) (host string, hang func(prefix string)) {
	t.Helper()
	var stuck atomic.Pointer[string]
	over := make(chan struct{})
	engine := socket()
	proxy := relay(engine)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if prefix := stuck.Load(); prefix != nil && strings.HasPrefix(r.URL.Path, *prefix) {
			<-over
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		close(over)
		server.Close()
		engine.CloseIdleConnections()
	})
	return strings.Replace(server.URL, "http://", "tcp://", 1), func(prefix string) { stuck.Store(&prefix) }
}

// relay forwards requests to the Engine of a transport.
func relay(transport http.RoundTripper) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "engine"})
		},
	}
}

// socket is the way to the machine's Engine.
func socket() *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", "/var/run/docker.sock")
	}}
}

func TestCancelWithAnEngineThatHangs(t *testing.T) {
	cases := map[string]struct {
		builder Builder
		prefix  string
	}{
		"everything":          {BuildKit, "/"},
		"BuildKit's control":  {BuildKit, "/grpc"},
		"BuildKit's session":  {BuildKit, "/session"},
		"the classic builder": {Classic, "/v1.41/build"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			host, hang := hanging(t)
			e, err := Connect(t.Context(), host, c.builder)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			dir := tree(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
			hang(c.prefix)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			done := make(chan error, 1)
			go func() {
				_, err := e.Build(ctx, request(dir, "127.0.0.1:1/sbs-test/hang:x"), io.Discard)
				done <- err
			}()
			select {
			case err := <-done:
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
			case <-time.After(1200 * time.Millisecond):
				t.Error("the build did not end within a second")
			}
		})
	}
}

// freezing is an Engine whose connections can be frozen: they stay open, and no
// byte passes any more.
func freezing(t *testing.T) (host string, freeze func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		frozen atomic.Bool
		pipes  sync.WaitGroup
		over   = make(chan struct{})
	)
	pipe := func(to, from net.Conn) {
		defer pipes.Done()
		defer to.Close()
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			if frozen.Load() {
				<-over
				return
			}
			if _, writeErr := to.Write(buffer[:n]); err != nil || writeErr != nil {
				return
			}
		}
	}
	pipes.Go(func() {
		for client, err := listener.Accept(); err == nil; client, err = listener.Accept() {
			engine, err := net.Dial("unix", "/var/run/docker.sock")
			if err != nil {
				client.Close()
				continue
			}
			pipes.Add(2)
			go pipe(engine, client)
			go pipe(client, engine)
		}
	})
	t.Cleanup(func() {
		close(over)
		listener.Close()
		pipes.Wait()
	})
	return "tcp://" + listener.Addr().String(), func() { frozen.Store(true) }
}

func TestCancelWithAnEngineThatFreezes(t *testing.T) {
	for _, builder := range []Builder{BuildKit, Classic} {
		t.Run(string(builder), func(t *testing.T) {
			local := connect(t, builder)
			repo := repository(t, local, "127.0.0.1:1")
			base(t, local, repo+":base")
			keepCache(t, local)
			seconds := strconv.Itoa(1e6 + rand.IntN(1e6))
			t.Cleanup(func() { // runs when the frozen connections are closed
				eventually(t, "process, container and image are gone", func() bool {
					return !running(t, seconds) && len(traces(t, local, seconds)) == 0
				})
			})
			host, freeze := freezing(t)
			e, err := Connect(t.Context(), host, builder)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			dir := tree(t, map[string]string{"Dockerfile": "FROM " + repo + ":base\nRUN sleep " + seconds + "\n"})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() {
				_, err := e.Build(ctx, request(dir, repo+":x"), io.Discard)
				done <- err
			}()
			eventually(t, "the step runs", func() bool { return running(t, seconds) })
			freeze()
			start := time.Now()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			took := time.Since(start)
			t.Logf("returned after %v", took)
			if took > 1200*time.Millisecond {
				t.Error("the build did not end within a second")
			}
		})
	}
}

func TestEngineWithoutBuildKitGetsTheClassicBuilder(t *testing.T) {
	engine := socket()
	defer engine.CloseIdleConnections()
	proxy := relay(engine)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/grpc" {
			http.NotFound(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.Replace(server.URL, "http://", "tcp://", 1)

	e, err := Connect(t.Context(), host, Automatic)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.builder != Classic {
		t.Errorf("builder %s", e.builder)
	}
	if _, err := Connect(t.Context(), host, BuildKit); err == nil || !strings.Contains(err.Error(), "has no BuildKit") {
		t.Errorf("BuildKit asked for, error %v", err)
	}
	if e.Version().Fallback == "" {
		t.Error("the reason for the classic builder is not in the version")
	}
	own := connect(t, Automatic)
	if own.builder != BuildKit {
		t.Errorf("builder of the machine's Engine: %s", own.builder)
	}
}

// A BuildKit that fails is no reason to build without it: the Engine has one.
func TestFailingBuildKitIsAnError(t *testing.T) {
	engine := socket()
	defer engine.CloseIdleConnections()
	proxy := relay(engine)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/grpc" {
			http.Error(w, "overloaded", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.Replace(server.URL, "http://", "tcp://", 1)
	for _, builder := range []Builder{Automatic, BuildKit} {
		if e, err := Connect(t.Context(), host, builder); err == nil || !strings.Contains(err.Error(), "received 503") {
			t.Errorf("%s: %+v, %v", builder, e, err)
		}
	}
}
