//go:build stack

package crash

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/test/kit"
)

// statuses are the statuses of a successful build, in order; the first is that before
// any step.
var statuses = []string{"", api.StatusCleanedUp, api.StatusGitHubCloned, api.StatusImageBuilt, api.StatusImagePushed, api.StatusSuccess}

// build starts a build and waits for its end.
func (env *environment) build(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, kit.Timeout)
	defer cancel()
	if _, err := env.Client.Build(ctx); err != nil {
		return err
	}
	_, err := env.Client.Events(ctx, func(api.Event) error { return nil })
	return err
}

var errReached = errors.New("the build has the status")

// buildUntil starts a build and returns when it has that status.
func (env *environment) buildUntil(t testing.TB, status string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), kit.Timeout)
	defer cancel()
	_, err := env.Client.Build(ctx)
	if err == nil && status != "" {
		_, err = env.Client.Events(ctx, func(event api.Event) error {
			if event.Status != nil && event.Status.Status == status {
				return errReached
			}
			return nil
		})
	}
	if err != nil && !errors.Is(err, errReached) {
		t.Fatalf("build until %q: %v", status, err)
	}
}

// mustBuild builds once more: the build must succeed and use the existing keys.
func (env *environment) mustBuild(t testing.TB) {
	t.Helper()
	if err := env.build(t.Context()); err != nil {
		t.Error(err)
		return
	}
	status := env.Status(t)
	if status.Status != api.StatusSuccess || status.Building {
		t.Errorf("the next build ends with %q (%s)", status.Status, status.Cause)
		return
	}
	env.checkSuccess(t, env.latestRecord(t))
}

// latestRecord returns the record of the latest build, from its folder.
func (env *environment) latestRecord(t testing.TB) job.Record {
	t.Helper()
	c := env.content(t)
	record, ok := c.record(c.job(t).Record.ID)
	if !ok {
		t.Error("the latest build has no record")
	}
	return record
}

// checkBuild compares the status with the volume after the kill: it must report what
// was stored and no more, and name the step that was not finished. It returns how the
// build ended.
func (env *environment) checkBuild(t testing.TB, k killed) string {
	t.Helper()
	status := env.Status(t)
	want, ending := k.ending(t)
	if status.Status != want || status.Building {
		t.Errorf("the status is %q (%s), want %q", status.Status, status.Cause, want)
	}
	if strings.HasPrefix(ending, "interrupted") && !strings.Contains(status.Cause, "the server was stopped") {
		t.Errorf("the cause is %q, want that the server was stopped", status.Cause)
	}
	if k.clientErr == nil && want != api.StatusSuccess {
		t.Errorf("the client received the end of the build, but the status is %q", want)
	}
	if ending == "success" {
		env.checkSuccess(t, env.latestRecord(t))
	}
	id := k.after.job(t).Record.ID
	if record, ok := env.content(t).record(id); ok && record.Status != status.Status && status.Status != api.StatusRestarted {
		t.Errorf("the record of build %s has the status %q, but the server reports %q", id, record.Status, status.Status)
	}
	env.mustBuild(t)
	return ending
}

// ending returns the status that the server must report after the kill, and a
// description of it for the table.
func (k killed) ending(t testing.TB) (status, ending string) {
	t.Helper()
	was, now := k.before.job(t), k.after.job(t)
	last := now.Record
	if now.Running {
		record, ok := k.after.record(last.ID)
		if !ok {
			next := statuses[min(slices.Index(statuses, last.Status)+1, len(statuses)-1)]
			return api.FailureStatus(unfinished(last)), "interrupted before " + next
		}
		last = record
	}
	switch {
	case !was.Running && !now.Running && last.ID == was.Record.ID:
		return last.Status, "not started"
	case last.Status == api.StatusSuccess:
		return last.Status, "success"
	case last.Status == api.StatusRestarted, strings.Contains(last.Cause, "clean"):
		return last.Status, "cleaned"
	}
	return last.Status, fmt.Sprintf("failed: %s", last.Cause)
}

// unfinished returns the command line of the step after the last finished one.
func unfinished(r job.Record) string {
	tag := r.Repository + ":" + r.ImageTag
	switch r.Status {
	case api.StatusCleanedUp:
		return fmt.Sprint("git clone ", r.Parameters["GITHUB_URL"])
	case api.StatusGitHubCloned:
		return "docker build -t " + tag + " ."
	case api.StatusImageBuilt:
		return "docker push " + tag
	case api.StatusImagePushed, api.StatusSuccess:
		if r.TagsMoving {
			return "docker push " + tag
		}
		return "tar -cjf manifest." + r.BuildName + ".tbz data git"
	}
	return "docker image rm --force " + r.Repository
}
