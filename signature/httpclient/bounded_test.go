package httpclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func anything(*http.Request) error { return nil }

// send sends a request with a body through a Bounded to a server with the handler, in
// memory: over pipes, which wait for the clock of testing/synctest, as sockets can't.
func send(t *testing.T, ctx context.Context, handler http.HandlerFunc, limits Limits) (string, error) {
	t.Helper()
	listener := &pipeListener{connections: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) }) // until it is closed
	defer running.Wait()
	defer server.Close()
	base := &http.Transport{DialContext: listener.dial}
	defer base.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://h.example.com", strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := Bound(ctx, base, limits, anything).RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// pipeListener is a net.Listener for connections in memory.
type pipeListener struct {
	connections chan net.Conn
	closed      chan struct{}
	closeOnce   sync.Once
}

func (l *pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	l.connections <- server
	return client, nil
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.connections:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// silent reads the request and does not reply, until the client is gone.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// A request ends when nothing was sent or received for the idle timeout, and not
// because it takes long.
func TestIdle(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		took    time.Duration // until the request ends
		idle    bool          // the request ends for that
		text    string        // otherwise, the response
	}{
		"silent": {handler: silent, took: idleLimit, idle: true},
		"stuck in the response": {took: idleLimit, idle: true, handler: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "begun")
			_ = http.NewResponseController(w).Flush()
			silent(w, r)
		}},
		"slow": {took: 15 * idleLimit / 5, text: "...............", handler: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			for range 15 {
				time.Sleep(idleLimit / 5) // of the test's clock
				_, _ = io.WriteString(w, ".")
				_ = http.NewResponseController(w).Flush()
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				text, err := send(t, t.Context(), test.handler, Limits{MaxResponse: 1 << 10})
				var idle *IdleError
				if errors.As(err, &idle) != test.idle || test.idle && !idle.Timeout() || !test.idle && (err != nil || text != test.text) {
					t.Errorf("response %q, error %v", text, err)
				}
				if took := time.Since(start); took != test.took {
					t.Errorf("it took %v, want %v", took, test.took)
				}
			})
		})
	}
}

// With a Progress function the caller's context is the only bound, and each part
// of a request and its response is reported.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var moved atomic.Int64
		limits := Limits{MaxResponse: 1 << 10, Progress: func() { moved.Add(1) }}
		echo := func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }
		if text, err := send(t, t.Context(), echo, limits); err != nil || text != "content" || moved.Load() < 3 {
			t.Errorf("%q, %v, reported %d times", text, err, moved.Load())
		}
		stalled := errors.New("no progress")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 2*idleLimit, stalled)
		defer cancel()
		start := time.Now()
		if _, err := send(t, ctx, silent, limits); err == nil || !errors.Is(context.Cause(ctx), stalled) || time.Since(start) != 2*idleLimit {
			t.Errorf("error %v, cause %v, after %v", err, context.Cause(ctx), time.Since(start))
		}
	})
}
