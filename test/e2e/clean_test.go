//go:build stack

package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/suite"
)

// cleanLimit is what "within seconds" means.
const cleanLimit = 10 * time.Second

// clean frees the server in every step, and leaves nothing of the build.
func TestCleanInEveryStep(t *testing.T) {
	l := shared
	for _, step := range l.steps() {
		t.Run(step.name, func(t *testing.T) {
			name := "clean-" + strings.ReplaceAll(step.name, " ", "-")
			reached := step.hold(t, name)
			l.begin(t)
			reached()
			if status := l.status(t); status.Status != step.done || !status.Building {
				t.Fatalf("the build is held with the status %+v, want %q", status, step.done)
			}

			began := time.Now()
			answer := l.request(t, http.MethodDelete, "/image", `""`)
			if took := time.Since(began); took > cleanLimit {
				t.Errorf("clean took %v", took)
			}
			if answer.code != http.StatusOK || answer.object()["status"] != "restarted cicd" {
				t.Errorf("clean answers %+v", answer)
			}
			if status := l.status(t); status.Status != "restarted cicd" || status.Building || status.BuildName != "" {
				t.Errorf("after clean: %+v", status)
			}
			l.nothingLeft(t, l.image(name))
			if suite.Runs(t, "sleep\x001"+sleepMarker(name)) {
				t.Error("the command of the Dockerfile still runs")
			}
			if record := l.record(t); !api.Failed(record.Status) || !strings.Contains(record.Cause, "stopped by clean") {
				t.Errorf("the record says %q (%s), want that clean stopped it", record.Status, record.Cause)
			}

			l.releaseAll()
			l.commit(t, name+".git", hello)
			l.succeed(t)
		})
	}
}

// A second clean, and one without a build, do no harm.
func TestCleanWithoutBuild(t *testing.T) {
	l := shared
	l.prepare(t, "idle", hello, nil)
	l.succeed(t)
	for range 2 {
		if answer := l.request(t, http.MethodDelete, "/image", `""`); answer.code != http.StatusOK || answer.object()["status"] != "restarted cicd" {
			t.Errorf("clean answers %+v", answer)
		}
	}
	if answer := l.request(t, http.MethodGet, "/imagedigest", `""`); answer.code != http.StatusCreated {
		t.Errorf("the earlier build is not served any more: %+v", answer)
	}
	l.succeed(t)
}

// One build runs at a time, with the parameters that it was started with.
func TestBusy(t *testing.T) {
	l := shared
	reached := l.sleeping(t, "busy")
	l.begin(t)
	reached()
	before, builds := l.status(t), l.builds(t)
	body := string(l.body(t, "busy", map[string]any{"IMAGE_TAG_PREFIX": "other"}))
	for _, request := range []struct{ method, body string }{
		{http.MethodPut, `""`}, {http.MethodPut, ""}, {http.MethodPost, body}, {http.MethodPatch, body},
	} {
		answer := l.request(t, request.method, "/image", request.body)
		status, _ := answer.object()["status"].(string)
		if answer.code != http.StatusConflict || !strings.Contains(status, "a build runs") || answer.object()["code"] != string(api.CodeBusy) {
			t.Errorf("%s during a build: %+v, want a refusal", request.method, answer)
		}
	}
	if after := l.status(t); after != before {
		t.Errorf("the status was %+v and is %+v", before, after)
	}
	if now := l.builds(t); len(now) != len(builds) {
		t.Errorf("the volume had %d builds and has %d", len(builds), len(now))
	}
	l.clean(t)
	l.commit(t, "busy.git", hello)
	if built := l.succeed(t); !strings.HasPrefix(built.ImageTag, "s390x-v1-") {
		t.Errorf("image tag %q: parameters were changed during a build", built.ImageTag)
	}
}
