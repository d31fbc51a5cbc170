package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/signature"
)

// busy is a registry that is busy for the first requests of a method.
func busy(t *testing.T, method string, status, times int, retryAfter string) (*Repository, *[]string, *[]string) {
	t.Helper()
	var bodies, notices []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			return
		}
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		if len(bodies) <= times {
			w.Header().Set("Retry-After", retryAfter)
			w.WriteHeader(status)
			return
		}
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(server.Close)
	access := signature.Access{Notice: func(text string) { notices = append(notices, text) }}
	repository, err := Open(t.Context(), strings.TrimPrefix(server.URL, "http://")+"/ns/app", access, Push)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repository.Close)
	return repository, &bodies, &notices
}

// A registry that is busy is asked again at the time that it names, with the same body, and
// the log has it; others are not asked again.
func TestBusyRegistry(t *testing.T) {
	for status, again := range map[int]bool{429: true, 502: true, 503: true, 504: true, 500: false, 403: false, 409: false} {
		repository, bodies, notices := busy(t, http.MethodPut, status, 2, "0")
		err := repository.PutManifest(t.Context(), "v1", "application/json", []byte("{}"))
		if again && (err != nil || strings.Join(*bodies, " ") != "{} {} {}" || len(*notices) != 2 || !strings.Contains((*notices)[0], "is sent again in 0s")) {
			t.Errorf("%d: %v, sent %q, reported %q", status, err, *bodies, *notices)
		}
		if !again && (err == nil || len(*bodies) != 1 || len(*notices) != 0) {
			t.Errorf("%d: %v, sent %q, reported %q", status, err, *bodies, *notices)
		}
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	repository, bodies, _ := busy(t, http.MethodPut, 429, 1, "1")
	start := time.Now()
	if err := repository.PutManifest(t.Context(), "v1", "application/json", []byte("{}")); err != nil || len(*bodies) != 2 {
		t.Errorf("%v, asked %d times", err, len(*bodies))
	}
	if took := time.Since(start); took < time.Second {
		t.Errorf("asked again after %v", took)
	}
}

// Waiting ends with the context, also in what the signer reads.
func TestWaitingForABusyRegistryEnds(t *testing.T) {
	repository, _, _ := busy(t, http.MethodPut, 503, 100, "50")
	stopped := errors.New("stopped by clean")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, stopped)
	defer cancel()
	if err := repository.Explain(ctx, repository.PutManifest(ctx, "v1", "application/json", []byte("{}"))); !errors.Is(err, stopped) {
		t.Errorf("stopped: %v", err)
	}
}
