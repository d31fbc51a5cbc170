//go:build stack

package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/kit"
)

// cleanLimit is what "within seconds" means.
const cleanLimit = 10 * time.Second

// clean frees the server in every step, and leaves nothing of the build.
func TestCleanInEveryStep(t *testing.T) {
	env := shared
	for _, step := range env.steps() {
		t.Run(step.name, func(t *testing.T) {
			name := "clean-" + strings.ReplaceAll(step.name, " ", "-")
			reached := step.hold(t, name)
			env.StartBuild(t)
			reached()
			if status := env.Status(t); status.Status != step.done || !status.Building {
				t.Fatalf("the build is held with the status %+v, want %q", status, step.done)
			}

			began := time.Now()
			answer := env.Request(t, http.MethodDelete, "/image", `""`)
			if took := time.Since(began); took > cleanLimit {
				t.Errorf("clean took %v", took)
			}
			if answer.Code != http.StatusOK || answer.Object()["status"] != "restarted cicd" {
				t.Errorf("clean answers %+v", answer)
			}
			if status := env.Status(t); status.Status != "restarted cicd" || status.Building || status.BuildName != "" {
				t.Errorf("after clean: %+v", status)
			}
			env.NothingLeft(t, env.ImageOf(name))
			if kit.ProcessRuns(t, "sleep\x001"+sleepMarker(name)) {
				t.Error("the command of the Dockerfile still runs")
			}
			if record := env.record(t); !api.Failed(record.Status) || !strings.Contains(record.Cause, "stopped by clean") {
				t.Errorf("the record says %q (%s), want that clean stopped it", record.Status, record.Cause)
			}

			env.Gates.ReleaseAll()
			env.commit(t, name+".git", hello)
			env.MustBuild(t)
		})
	}
}

// A second clean, and one without a build, do no harm.
func TestCleanWithoutBuild(t *testing.T) {
	env := shared
	env.prepare(t, "idle", hello, nil)
	env.MustBuild(t)
	for range 2 {
		if answer := env.Request(t, http.MethodDelete, "/image", `""`); answer.Code != http.StatusOK || answer.Object()["status"] != "restarted cicd" {
			t.Errorf("clean answers %+v", answer)
		}
	}
	if answer := env.Request(t, http.MethodGet, "/imagedigest", `""`); answer.Code != http.StatusCreated {
		t.Errorf("the earlier build is not served any more: %+v", answer)
	}
	env.MustBuild(t)
}

// One build runs at a time, with the parameters that it was started with.
func TestRequestsDuringBuild(t *testing.T) {
	env := shared
	reached := env.sleeping(t, "busy")
	env.StartBuild(t)
	reached()
	before, builds := env.Status(t), env.builds(t)
	body := string(env.ParametersFor(t, "busy", map[string]any{"IMAGE_TAG_PREFIX": "other"}))
	for _, request := range []struct{ method, body string }{
		{http.MethodPut, `""`}, {http.MethodPut, ""}, {http.MethodPost, body}, {http.MethodPatch, body},
	} {
		answer := env.Request(t, request.method, "/image", request.body)
		status, _ := answer.Object()["status"].(string)
		if answer.Code != http.StatusConflict || !strings.Contains(status, "a build runs") || answer.Object()["code"] != string(api.CodeBusy) {
			t.Errorf("%s during a build: %+v, want a refusal", request.method, answer)
		}
	}
	if after := env.Status(t); after != before {
		t.Errorf("the status was %+v and is %+v", before, after)
	}
	if now := env.builds(t); len(now) != len(builds) {
		t.Errorf("the volume had %d builds and has %d", len(builds), len(now))
	}
	env.Clean(t)
	env.commit(t, "busy.git", hello)
	if built := env.MustBuild(t); !strings.HasPrefix(built.ImageTag, "s390x-v1-") {
		t.Errorf("image tag %q: parameters were changed during a build", built.ImageTag)
	}
}
