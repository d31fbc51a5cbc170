package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

// TestEvents follows a build to its end: the lines come before the status that
// they led to, and the stream ends.
func TestEvents(t *testing.T) {
	f := newFixture(t)
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	record := f.keep(oldID, "", "one\n")
	server := httptest.NewServer(f.Routes())
	defer server.Close()
	step := make(chan struct{})
	err := f.Slot.Begin(record, func(_ context.Context, b *job.Build) job.Record {
		<-step
		file, err := os.OpenFile(filepath.Join(f.dir, "builds", oldID, "build.log"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(file, "two\n")
		b.Touch()
		r, err := b.Advance(func(r *job.Record) { r.Status = api.StatusSuccess })
		if err != nil {
			t.Error(err)
		}
		return r
	})
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Get(server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got []string
	events := json.NewDecoder(response.Body)
	for {
		var event api.Event
		err := events.Decode(&event)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if event.Status == nil {
			got = append(got, event.Log)
			continue
		}
		if len(got) == 1 {
			close(step) // the stream is under way
		}
		if !event.Status.Building {
			got = append(got, "end: "+event.Status.Status)
		}
	}
	if want := "one two end: success"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
