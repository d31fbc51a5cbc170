package server

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/opensbs/sbs/server/job"
)

// A file that can't be read in its middle must not make a response that looks
// whole: the connection ends, and the server's log has the cause.
func TestResponsesThatCantBeFinishedAreTruncated(t *testing.T) {
	for path, file := range map[string]string{
		"/log/build": "build.log",
		"/manifest":  "manifest.docker.io.namespace.name.v1-abcdefa." + oldID + ".sig.tbz",
	} {
		t.Run(path, func(t *testing.T) {
			f := newFixture(t)
			f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
			record := f.keep(oldID, "success", "one\n")
			if err := f.Slot.Begin(record, func(_ context.Context, _ *job.Build) job.Record { return record }); err != nil {
				t.Fatal(err)
			}
			// It opens, and every read of it fails.
			broken := filepath.Join(f.dir, "builds", oldID, file)
			if err := os.Remove(broken); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(broken, 0o700); err != nil {
				t.Fatal(err)
			}
			var logged strings.Builder
			f.Logger = slog.New(slog.NewTextHandler(&logged, nil))
			server := httptest.NewServer(f.Routes())
			response, err := server.Client().Get(server.URL + path)
			var body []byte
			if err == nil {
				body, err = io.ReadAll(response.Body)
				_ = response.Body.Close()
			}
			server.Close()
			if err == nil {
				t.Errorf("a response that looks whole: %d %s", response.StatusCode, body)
			}
			if !strings.Contains(logged.String(), "response truncated") || !strings.Contains(logged.String(), "is a directory") {
				t.Errorf("logged %q", logged.String())
			}
		})
	}
}

// The events of a build are truncated too if its log can't be read: that is not treated
// as a disconnected client.
func TestEventsThatCantBeFinishedAreTruncated(t *testing.T) {
	broken := errors.New("the disk is broken")
	var logged strings.Builder
	f := newFixture(t)
	f.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	server := httptest.NewServer(f.observe(f.json(func(w http.ResponseWriter, _ *http.Request) error {
		follower := &follower{out: w, control: http.NewResponseController(w), lines: bufio.NewReader(io.MultiReader(strings.NewReader("one\n"), iotest.ErrReader(broken)))}
		return follower.send(f.Server, job.State{})
	})))
	response, err := server.Client().Get(server.URL)
	if err == nil {
		var body []byte
		body, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err == nil {
			t.Errorf("a stream that looks whole: %s", body)
		}
	}
	server.Close()
	if !strings.Contains(logged.String(), broken.Error()) {
		t.Errorf("logged %q", logged.String())
	}
}

// A client that leaves in the middle of a stream is no failure of the server: over
// HTTP/2 only the flush reports it.
func TestClientDisconnectIsNotAnError(t *testing.T) {
	var logged strings.Builder
	f := newFixture(t)
	f.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	started, done := make(chan struct{}), make(chan struct{})
	server := httptest.NewUnstartedServer(f.observe(f.json(func(w http.ResponseWriter, r *http.Request) error {
		defer close(done)
		control := http.NewResponseController(w)
		if _, err := io.WriteString(w, "one\n"); err != nil {
			return err
		}
		if err := control.Flush(); err != nil {
			return err
		}
		close(started)
		<-r.Context().Done()
		return control.Flush()
	})))
	server.EnableHTTP2 = true
	server.StartTLS()
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	<-started
	cancel()
	_ = response.Body.Close()
	<-done
	server.Close()
	if response.ProtoMajor != 2 || strings.Contains(logged.String(), "level=ERROR") {
		t.Errorf("over %s: logged %q", response.Proto, logged.String())
	}
}
