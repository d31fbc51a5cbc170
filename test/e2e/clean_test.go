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

// cleanLimit bounds the time of clean.
const cleanLimit = 10 * time.Second

// clean stops a build in every step, and removes its images, containers and files.
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
			reply := env.Request(t, http.MethodDelete, "/image", `""`)
			if took := time.Since(began); took > cleanLimit {
				t.Errorf("clean took %v", took)
			}
			if reply.Code != http.StatusOK || reply.Object()["status"] != "restarted cicd" {
				t.Errorf("clean returned %+v", reply)
			}
			if status := env.Status(t); status.Status != "restarted cicd" || status.Building || status.BuildName != "" {
				t.Errorf("after clean: %+v", status)
			}
			env.NothingLeft(t, env.ImageOf(name))
			if kit.ProcessRuns(t, "sleep\x001"+sleepMarker(name)) {
				t.Error("the command of the Dockerfile still runs")
			}
			if record := env.record(t); !api.Failed(record.Status) || !strings.Contains(record.Cause, "stopped by clean") {
				t.Errorf("the record has %q (%s), want that clean stopped it", record.Status, record.Cause)
			}

			env.Gates.ReleaseAll()
			env.commit(t, name+".git", hello)
			env.MustBuild(t)
		})
	}
}

// A second clean, and one without a build, change nothing.
func TestCleanWithoutBuild(t *testing.T) {
	env := shared
	env.prepare(t, "idle", hello, nil)
	env.MustBuild(t)
	for range 2 {
		if reply := env.Request(t, http.MethodDelete, "/image", `""`); reply.Code != http.StatusOK || reply.Object()["status"] != "restarted cicd" {
			t.Errorf("clean returned %+v", reply)
		}
	}
	if reply := env.Request(t, http.MethodGet, "/imagedigest", `""`); reply.Code != http.StatusCreated {
		t.Errorf("the earlier build is not served any more: %+v", reply)
	}
	env.MustBuild(t)
}

// While a build runs, another build and changes of parameters are refused.
func TestRequestsDuringBuild(t *testing.T) {
	env := shared
	reached := env.holdInDockerfile(t, "busy")
	env.StartBuild(t)
	reached()
	before, builds := env.Status(t), env.builds(t)
	body := string(env.ParametersFor(t, "busy", map[string]any{"IMAGE_TAG_PREFIX": "other"}))
	for _, request := range []struct{ method, body string }{
		{http.MethodPut, `""`}, {http.MethodPut, ""}, {http.MethodPost, body}, {http.MethodPatch, body},
	} {
		reply := env.Request(t, request.method, "/image", request.body)
		status, _ := reply.Object()["status"].(string)
		if reply.Code != http.StatusConflict || !strings.Contains(status, "a build runs") || reply.Object()["code"] != string(api.CodeBusy) {
			t.Errorf("%s during a build: %+v, want a refusal", request.method, reply)
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
