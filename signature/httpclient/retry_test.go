package httpclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitFor(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for asked, want := range map[string]time.Duration{
		"":                              4 * time.Second,
		"7":                             7 * time.Second,
		"0":                             0,
		"-3":                            4 * time.Second,
		"soon":                          4 * time.Second,
		"99999999999999999999":          4 * time.Second,
		"Sun, 01 Mar 2026 12:00:30 GMT": 30 * time.Second,
		"Sun, 01 Mar 2026 11:00:00 GMT": 0,
	} {
		response := &http.Response{Header: http.Header{"Retry-After": {asked}}}
		if got := waitFor(response, 2, now); got != want {
			t.Errorf("Retry-After %q: %v, want %v", asked, got, want)
		}
	}
	if got := waitFor(&http.Response{}, 11, now); got != maxWait {
		t.Errorf("the last wait is %v", got)
	}
}

// busy is a server that refuses the first requests, and notes their bodies.
type busy struct {
	status, times int
	retryAfter    string
	bodies        []string
}

func (b *busy) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(request.Body)
	b.bodies = append(b.bodies, string(text))
	response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("body"))}
	if len(b.bodies) <= b.times {
		response.StatusCode = b.status
		if b.retryAfter != "" {
			response.Header.Set("Retry-After", b.retryAfter)
		}
	}
	return response, err
}

// Each request is repeated with its body for as long as the bounds allow.
func TestRetrying(t *testing.T) {
	for name, test := range map[string]struct {
		server busy
		asked  int           // times
		status int           // at the end
		took   time.Duration // of waiting
	}{
		"not busy":       {busy{}, 1, 200, 0},
		"429":            {busy{status: 429, times: 2, retryAfter: "7"}, 3, 200, 14 * time.Second},
		"502":            {busy{status: 502, times: 3}, 4, 200, 7 * time.Second},
		"503":            {busy{status: 503, times: 1}, 2, 200, time.Second},
		"504":            {busy{status: 504, times: 1}, 2, 200, time.Second},
		"500":            {busy{status: 500, times: 1}, 1, 500, 0},
		"404":            {busy{status: 404, times: 1}, 1, 404, 0},
		"an hour":        {busy{status: 429, times: 100, retryAfter: "3600"}, 1, 429, 0},
		"for ever":       {busy{status: 503, times: 100, retryAfter: "0"}, maxRetries + 1, 503, 0},
		"long, together": {busy{status: 503, times: 100, retryAfter: "50"}, 4, 503, 150 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var notices, progress int
				r := &Retrying{Base: &test.server, Notice: func(string) { notices++ }, Progress: func() { progress++ }}
				start := time.Now()
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://h.example.com/x", strings.NewReader("content"))
				if err != nil {
					t.Fatal(err)
				}
				response, err := r.RoundTrip(request)
				if err != nil || response.StatusCode != test.status {
					t.Errorf("%v, %v, want %d", response, err, test.status)
				}
				if took := time.Since(start); took != test.took || progress < int(took/waitTick) {
					t.Errorf("waited %v with %d reports of progress, want %v", took, progress, test.took)
				}
				if len(test.server.bodies) != test.asked || strings.Count(strings.Join(test.server.bodies, ""), "content") != test.asked || notices != test.asked-1 {
					t.Errorf("sent %q with %d notices, want %d requests", test.server.bodies, notices, test.asked)
				}
			})
		})
	}
}

// Waiting ends with the context of the request, whose cause is the error.
func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := errors.New("stopped by clean")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, stopped)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodPut, "https://h.example.com/x", strings.NewReader("content"))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = (&Retrying{Base: &busy{status: 503, times: 100, retryAfter: "50"}}).RoundTrip(request)
		if !errors.Is(err, stopped) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// The notice names the server, and not the address, which may hold a signature.
func TestNoticeHasNoAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var notice string
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://h.example.com/x?signature=abc", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (&Retrying{Base: &busy{status: 503, times: 1, retryAfter: "2"}, Notice: func(text string) { notice = text }}).RoundTrip(request); err != nil {
			t.Fatal(err)
		}
		if want := "h.example.com replied to GET with HTTP status 503 (Service Unavailable): the request is sent again in 2s"; notice != want {
			t.Errorf("the notice is %q, want %q", notice, want)
		}
	})
}
