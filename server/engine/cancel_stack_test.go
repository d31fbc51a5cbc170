//go:build stack

package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"go.uber.org/goleak"
)

// traces lists the containers and images of the Engine in whose making the mark
// took part. Other tests may be using the same Engine.
func traces(t *testing.T, e *Engine, mark string) []string {
	t.Helper()
	var found []string
	containers, err := e.api.ContainerList(t.Context(), container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range containers {
		if strings.Contains(c.Command, mark) {
			found = append(found, "container "+c.ID)
		}
	}
	images, err := e.api.ImageList(t.Context(), image.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range images {
		history, err := e.api.ImageHistory(t.Context(), i.ID)
		if errdefs.IsNotFound(err) {
			continue // another test's, removed meanwhile
		}
		if err != nil {
			t.Fatal(err)
		}
		marked := func(h image.HistoryResponseItem) bool { return strings.Contains(h.CreatedBy, mark) }
		if slices.ContainsFunc(history, marked) {
			found = append(found, "image "+i.ID)
		}
	}
	return found
}

// running tells whether a process of this machine has the argument.
func running(t *testing.T, argument string) bool {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		for _, arg := range bytes.Split(line, []byte{0}) {
			if string(arg) == argument {
				return true
			}
		}
	}
	return false
}

func TestCancelDuringAStepLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, e *Engine) {
		repo := repository(t, e, "127.0.0.1:1")
		base(t, e, repo+":base")
		goroutines := goleak.IgnoreCurrent()
		seconds := strconv.Itoa(1e6 + rand.IntN(1e6))
		dir := tree(t, map[string]string{"Dockerfile": "FROM " + repo + ":base\nRUN echo " + seconds + " > /1\nRUN sleep " + seconds + "\n"})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := e.Build(ctx, request(dir, repo+":x"), io.Discard)
			done <- err
		}()
		eventually(t, "the step runs", func() bool { return running(t, seconds) })
		start := time.Now()
		cancel()
		err := <-done
		took := time.Since(start)
		t.Logf("returned after %v", took)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if took > time.Second {
			t.Errorf("the build took %v to end", took)
		}
		if err := e.api.Close(); err != nil { // idle connections have goroutines
			t.Error(err)
		}
		goleak.VerifyNone(t, goroutines)
		eventually(t, "the step's process is gone", func() bool { return !running(t, seconds) })
		eventually(t, "containers and images are gone", func() bool { return len(traces(t, e, seconds)) == 0 })
	})
}

// hanging is an Engine that answers until it is told to hang.
func hanging(t *testing.T) (host string, hang func()) {
	t.Helper()
	hung := make(chan struct{})
	over := make(chan struct{})
	real := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", "/var/run/docker.sock")
	}}
	proxy := relay(real)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-hung:
			<-over
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		close(over)
		server.Close()
		real.CloseIdleConnections()
	})
	return strings.Replace(server.URL, "http://", "tcp://", 1), func() { close(hung) }
}

func TestCancelWithAnEngineThatHangs(t *testing.T) {
	for _, builder := range []Builder{BuildKit, Classic} {
		t.Run(string(builder), func(t *testing.T) {
			host, hang := hanging(t)
			e, err := Connect(t.Context(), host, builder)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			dir := tree(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
			hang()
			calls := map[string]func(context.Context) error{
				"build": func(ctx context.Context) error {
					run := e.buildWithBuildKit
					if builder == Classic {
						run = e.buildClassic
					}
					_, err := run(ctx, request(dir, "127.0.0.1:1/sbs-test/hang:x"), io.Discard)
					return err
				},
				"push": func(ctx context.Context) error {
					_, err := e.Push(ctx, "127.0.0.1:1/sbs-test/hang:x", Registry{}, io.Discard)
					return err
				},
			}
			for name, call := range calls {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				start := time.Now()
				if err := call(ctx); err == nil {
					t.Errorf("%s succeeded on an Engine that hangs", name)
				}
				if took := time.Since(start); took > time.Second {
					t.Errorf("%s took %v to end", name, took)
				}
				cancel()
			}
		})
	}
}

func TestEngineWithoutBuildKitGetsTheClassicBuilder(t *testing.T) {
	real := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", "/var/run/docker.sock")
	}}
	defer real.CloseIdleConnections()
	proxy := relay(real)
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
	real.CloseIdleConnections()
	own := connect(t, Automatic)
	if own.builder != BuildKit {
		t.Errorf("builder of the machine's Engine: %s", own.builder)
	}
}
