package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/opensbs/sbs/api"
)

func event(t *testing.T, w io.Writer, event api.Event) {
	t.Helper()
	if err := json.NewEncoder(w).Encode(event); err != nil {
		t.Error(err)
	}
	if err := http.NewResponseController(w.(http.ResponseWriter)).Flush(); err != nil {
		t.Error(err)
	}
}

func running(status string) api.Event {
	return api.Event{Status: &api.Status{Status: status, Building: true}}
}

// checkGoroutines fails the test when something still runs after all other
// clean-up, the peer's included.
func checkGoroutines(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
}

func TestEventsComeInOrderWhileTheBuildRuns(t *testing.T) {
	checkGoroutines(t)
	seen := make(chan string) // the peer waits until the client has seen each line: nothing is held back
	c := with(t, func(w http.ResponseWriter, _ *http.Request) {
		event(t, w, running("cleaned up"))
		<-seen
		event(t, w, api.Event{Log: "one"})
		<-seen
		event(t, w, api.Event{Status: &api.Status{Status: "success", BuildName: "b"}})
		<-seen
	})
	var got []string
	status, err := c.Events(t.Context(), func(e api.Event) error {
		if e.Status != nil {
			got = append(got, "["+e.Status.Status+"]")
		} else {
			got = append(got, e.Log)
		}
		seen <- e.Log
		return nil
	})
	if err != nil || status.BuildName != "b" || status.Building {
		t.Errorf("got %+v, %v", status, err)
	}
	if want := []string{"[cleaned up]", "one", "[success]"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The first event is the current status: after the end of a build it has that,
// and the log follows.
func TestEventsOfAFinishedBuild(t *testing.T) {
	checkGoroutines(t)
	c := with(t, func(w http.ResponseWriter, _ *http.Request) {
		event(t, w, api.Event{Status: &api.Status{Status: "success"}})
		event(t, w, api.Event{Log: "one"})
	})
	lines := 0
	status, err := c.Events(t.Context(), func(api.Event) error { lines++; return nil })
	if err != nil || status.Status != "success" || lines != 2 {
		t.Errorf("got %+v, %v after %d events", status, err, lines)
	}
}

func TestEventsThatBreakOff(t *testing.T) {
	ids := usualIdentities(t)
	for _, test := range []struct {
		name   string
		handle http.HandlerFunc
		want   string
	}{
		{"server stops", func(w http.ResponseWriter, _ *http.Request) { event(t, w, running("image built")) }, ErrInterrupted.Error()},
		{"nothing at all", func(http.ResponseWriter, *http.Request) {}, ErrInterrupted.Error()},
		{"connection lost", func(w http.ResponseWriter, _ *http.Request) {
			event(t, w, running("image built"))
			panic(http.ErrAbortHandler)
		}, "closed the connection"},
		{"not JSON", func(w http.ResponseWriter, _ *http.Request) {
			if _, err := io.WriteString(w, "<html>\n"); err != nil {
				t.Error(err)
			}
		}, "can't be read"},
		{"endless line", func(w http.ResponseWriter, _ *http.Request) {
			// The client closes the connection before the end, which is an error here.
			_, _ = io.WriteString(w, strings.Repeat("x", maxEvent+10))
		}, "token too long"},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkGoroutines(t)
			c := ids.with(t, test.handle)
			_, err := c.Events(t.Context(), func(api.Event) error { return nil })
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestEventsEndWithTheirContextOrHandler(t *testing.T) {
	ids := usualIdentities(t)
	disconnected := make(chan struct{}, 1)
	waiting := func(w http.ResponseWriter, r *http.Request) {
		event(t, w, running("image built"))
		<-r.Context().Done()
		disconnected <- struct{}{}
	}
	t.Run("context", func(t *testing.T) {
		checkGoroutines(t)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := ids.with(t, waiting).Events(ctx, func(api.Event) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		<-disconnected
	})
	t.Run("handler", func(t *testing.T) {
		checkGoroutines(t)
		full := errors.New("disk full")
		_, err := ids.with(t, waiting).Events(t.Context(), func(api.Event) error { return full })
		if !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
		<-disconnected // without the help of the context, which goes on
	})
}
