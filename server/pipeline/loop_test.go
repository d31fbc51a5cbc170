package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/server/job"
)

// The loop with everything around it faked but the volume: what a build does, in
// which order, and what is durable when. The real parts are in test/e2e.

func TestLoopSucceeds(t *testing.T) {
	f := newFixture(t)
	var statuses []string
	f.during = func(context.Context, string) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if status := f.slot.State().Record.Status; len(statuses) == 0 || statuses[len(statuses)-1] != status {
			statuses = append(statuses, status)
		}
		return nil
	}
	last := f.run()
	if last.Status != api.StatusSuccess || last.Cause != "" {
		t.Fatalf("ended as %q: %s", last.Status, last.Cause)
	}
	if want := []string{"", api.StatusCleanedUp, api.StatusGitHubCloned, api.StatusImageBuilt, api.StatusImagePushed, api.StatusSuccess}; !slices.Equal(statuses, want) {
		t.Errorf("the statuses were %q", statuses)
	}
	if !slices.Contains(f.calls, "remove") {
		t.Errorf("what the build left in the builder was not removed: %q", f.calls)
	}
	if last.Commit != loopCommit || last.ImageTag != "0123456" || last.ImageDigest != loopDigest || last.BuildName != "r.example.com.ns.app.0123456."+last.ID {
		t.Errorf("the record is %+v", last)
	}
	for _, status := range []string{api.StatusCleanedUp, api.StatusGitHubCloned, api.StatusImageBuilt, api.StatusImagePushed, api.StatusSuccess} {
		if last.Steps[status].IsZero() {
			t.Errorf("no time for %q", status)
		}
	}
	want := []string{"build.log", manifest.Name(last.BuildName) + ".sig.tbz", "public.pem", "record.json"}
	if names := f.files(last.ID); !slices.Equal(names, want) {
		t.Errorf("the folder holds %q, not %q", names, want)
	}
	if saved, ok := savedRecord(f.volume.Builds(), last.ID); !ok || saved.Status != api.StatusSuccess {
		t.Errorf("the saved record is %+v", saved)
	}
	f.checkNothingLeft()
}

// TestEachFailureEndsTheBuild fails each operation once. The next build of the
// same server succeeds.
func TestEachFailureEndsTheBuild(t *testing.T) {
	const (
		repository = "r.example.com/ns/app"
		tagged     = repository + ":0123456"
	)
	for operation, command := range map[string]string{
		"connect":          "docker version",
		"remove leftovers": "docker image rm --force " + repository,
		"clone":            "git clone --depth 1 git@git.example.com:ns/app.git",
		"build":            "docker build -t " + tagged + " -t " + repository + ":latest -f Dockerfile .",
		"push":             "docker push " + tagged,
		"tag":              "docker push " + tagged,
		"scan":             "docker sbom --format spdx-json " + tagged,
		"sign":             "cosign sign --key <KEY> " + repository + "@" + loopDigest,
		"state sbom":       "cosign attest --key <KEY> --type spdxjson " + repository + "@" + loopDigest,
		"attach sbom":      "cosign attest --key <KEY> --type spdxjson " + repository + "@" + loopDigest,
		"state provenance": "cosign attest --key <KEY> --type slsaprovenance1 " + repository + "@" + loopDigest,
		"attach provenance": "cosign attest --key <KEY> --type slsaprovenance1 " +
			repository + "@" + loopDigest,
	} {
		t.Run(operation, func(t *testing.T) {
			f := newFixture(t)
			f.during = func(_ context.Context, reached string) error {
				if reached == operation {
					return fmt.Errorf("%s: broken with the-password in it", operation)
				}
				return nil
			}
			f.checkFailed(f.run(), command, operation+": broken with <DOCKER_PASSWORD> in it")
			f.during = nil
			if again := f.run(); again.Status != api.StatusSuccess {
				t.Errorf("the next build ended as %q: %s", again.Status, again.Cause)
			}
		})
	}
}

// TestEachOperationCanBeCancelled stops a build in each of its operations: it ends
// with the cause, and leaves nothing.
func TestEachOperationCanBeCancelled(t *testing.T) {
	stopped := errors.New("stopped by clean")
	for _, operation := range []string{"connect", "remove leftovers", "clone", "build", "push", "tag", "scan", "sign", "state sbom", "attach sbom", "state provenance", "attach provenance"} {
		t.Run(operation, func(t *testing.T) {
			f := newFixture(t)
			reached := make(chan struct{})
			f.during = func(ctx context.Context, at string) error {
				if at != operation {
					return nil
				}
				close(reached)
				<-ctx.Done()
				return errors.New("the connection broke")
			}
			if err := f.pipeline.Begin(loopParameters()); err != nil {
				t.Fatal(err)
			}
			<-reached
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := f.slot.Stop(ctx, stopped); err != nil {
				t.Fatal(err)
			}
			last := f.wait()
			if !api.Failed(last.Status) || last.Cause != stopped.Error() {
				t.Errorf("ended as %q: %s", last.Status, last.Cause)
			}
			f.checkNothingLeft()
		})
	}
}

// TestOneBuildAtATime begins a second build during the first.
func TestOneBuildAtATime(t *testing.T) {
	f := newFixture(t)
	var second error
	f.during = func(_ context.Context, operation string) error {
		if operation == "clone" {
			second = f.pipeline.Begin(loopParameters())
		}
		return nil
	}
	if last := f.run(); last.Status != api.StatusSuccess {
		t.Errorf("the first build ended as %q: %s", last.Status, last.Cause)
	}
	if !errors.Is(second, job.ErrBusy) {
		t.Errorf("the second build: %v", second)
	}
}
