package httpclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func anything(*http.Request) error { return nil }

// send sends a request with a body through a Bounded.
func send(t *testing.T, ctx context.Context, url string, limits Limits) (string, error) {
	t.Helper()
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := Bound(ctx, base, limits, anything).RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return string(answer), err
}

// A request ends when nothing moves, and not because it takes long.
func TestIdle(t *testing.T) {
	const idle = 300 * time.Millisecond
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			<-release
		case "/stuck":
			_, _ = io.WriteString(w, "begun")
			_ = http.NewResponseController(w).Flush()
			<-release
		case "/slow": // three times as long as nothing may happen
			_, _ = io.Copy(io.Discard, r.Body)
			for range 15 {
				_, _ = io.WriteString(w, ".")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(idle / 5)
			}
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	limits := Limits{MaxResponse: 1 << 10, idle: idle}
	for _, path := range []string{"/silent", "/stuck"} {
		var ended *IdleError
		if _, err := send(t, t.Context(), server.URL+path, limits); !errors.As(err, &ended) || !ended.Timeout() {
			t.Errorf("%s: %v", path, err)
		}
	}
	if answer, err := send(t, t.Context(), server.URL+"/slow", limits); err != nil || len(answer) != 15 {
		t.Errorf("slow: %q, %v", answer, err)
	}
}

// With a Progress function the caller's context is the only bound, and each part
// of a request and its response is reported.
func TestProgress(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/silent" {
			<-release
			return
		}
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	var moved atomic.Int64
	limits := Limits{MaxResponse: 1 << 10, Progress: func() { moved.Add(1) }, idle: time.Nanosecond}
	if answer, err := send(t, t.Context(), server.URL, limits); err != nil || answer != "content" || moved.Load() < 3 {
		t.Errorf("%q, %v, reported %d times", answer, err, moved.Load())
	}
	stalled := errors.New("no progress")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, stalled)
	defer cancel()
	if _, err := send(t, ctx, server.URL+"/silent", limits); err == nil || !errors.Is(context.Cause(ctx), stalled) {
		t.Errorf("error %v, cause %v", err, context.Cause(ctx))
	}
}
