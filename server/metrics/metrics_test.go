package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

func space() (int64, int64, error) { return 40, 100, nil }

// text is what Prometheus reads.
func (m *Metrics) text(t *testing.T) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	return w.Body.String()
}

func (m *Metrics) has(t *testing.T, lines ...string) {
	t.Helper()
	text := m.text(t)
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

func TestRequests(t *testing.T) {
	m := New(space, "simulated")
	m.CountRequest(Request{Method: "GET", Route: "/log/{name}", Code: 200, Took: time.Millisecond, Received: 2, Sent: 10})
	m.CountRequest(Request{Method: "GET", Route: "/log/{name}", Code: 200, Received: -1, Sent: 5})
	m.CountRequest(Request{Method: "EVIL-7", Code: 404})
	m.has(t,
		`sbs_http_requests_total{code="200",method="GET",route="/log/{name}"} 2`,
		`sbs_http_requests_total{code="404",method="any",route="none"} 1`,
		`sbs_http_received_bytes_total{route="/log/{name}"} 2`,
		`sbs_http_sent_bytes_total{route="/log/{name}"} 15`,
		`sbs_http_request_seconds_count{route="/log/{name}"} 2`,
		`sbs_info{enclave="simulated"} 1`,
		`sbs_volume_free_bytes 40`,
		`sbs_volume_size_bytes 100`,
		`sbs_builds_total{result="success"} 0`,
	)
	for _, collector := range []string{"go_goroutines ", "process_resident_memory_bytes "} {
		if !strings.Contains(m.text(t), "\n"+collector) {
			t.Errorf("no %s", collector)
		}
	}
	if strings.Contains(m.text(t), "EVIL") {
		t.Error("a client chose a label")
	}
}

func TestBrokenVolume(t *testing.T) {
	m := New(func() (int64, int64, error) { return 0, 0, errors.New("no volume") }, "contract")
	if text := m.text(t); strings.Contains(text, "sbs_volume_free") || !strings.Contains(text, "sbs_builds_running 0") {
		t.Error(text)
	}
}

// watched is a slot that the test moves.
type watched struct {
	mu      sync.Mutex
	state   job.State
	changed chan struct{}
	seen    chan struct{} // gets a value for every look
}

func (w *watched) Watch() (job.State, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen <- struct{}{}
	return w.state, w.changed
}

func (w *watched) move(state job.State) {
	w.mu.Lock()
	w.state = state
	close(w.changed)
	w.changed = make(chan struct{})
	w.mu.Unlock()
	<-w.seen
}

func TestBuildsAreCountedWhenTheyEnd(t *testing.T) {
	m := New(space, "simulated")
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	after := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	record := func(id, status string, steps map[string]time.Time) job.Record {
		return job.Record{ID: id, Status: status, Started: began, Steps: steps}
	}
	w := &watched{changed: make(chan struct{}), seen: make(chan struct{}, 1)}
	w.state = job.State{Record: record("before the start", api.StatusSuccess, nil)} // not counted
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Follow(ctx, w)
	}()
	<-w.seen

	cloned := map[string]time.Time{api.StatusCleanedUp: after(1), api.StatusGitHubCloned: after(3)}
	w.move(job.State{Record: record("1", "", nil), Running: true})
	w.move(job.State{Record: record("1", api.StatusGitHubCloned, cloned), Running: true})
	w.move(job.State{Record: record("1", api.FailureStatus("x"), cloned)})
	w.move(job.State{Record: record("2", "", nil), Running: true})
	w.move(job.State{Record: record("2", api.StatusSuccess, map[string]time.Time{api.StatusSuccess: after(20)})})
	w.move(job.State{Record: record("3", api.StatusCleanedUp, map[string]time.Time{api.StatusCleanedUp: after(4)}), Running: true})
	w.move(job.State{Record: job.Record{ID: "3", Status: api.StatusRestarted}}) // its end was missed
	w.move(job.State{Record: record("4", api.StatusCleanedUp, map[string]time.Time{api.StatusCleanedUp: after(6)}), Running: true})
	w.move(job.State{Record: record("5", "", nil), Running: true}) // so was that of 4
	// A look has been taken in when the next one begins.
	w.move(job.State{Record: record("5", "", nil), Running: true})
	m.has(t,
		`sbs_builds_total{result="success"} 1`,
		`sbs_builds_total{result="failure"} 3`,
		`sbs_builds_running 1`,
		`sbs_build_step_seconds_sum{step="cleaned up"} 11`,
		`sbs_build_step_seconds_count{step="cleaned up"} 3`,
		`sbs_build_step_seconds_sum{step="github cloned"} 2`,
		`sbs_build_step_seconds_sum{step="success"} 20`,
	)
	cancel()
	<-done
}
