//go:build stack

package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

// statuses are the statuses of a successful build, in order.
var statuses = []string{api.StatusCleanedUp, api.StatusGitHubCloned, api.StatusImageBuilt, api.StatusImagePushed, api.StatusSuccess}

// Results of a build.
const (
	wrong     = "wrong"
	succeeded = "succeeded"
	failed    = "failed as expected"
)

// build builds once, with a fault or without, and returns the result.
func (env *environment) build(t *testing.T, f fault, in *injection) string {
	t.Helper()
	if in == nil {
		in = &injection{}
	}
	if f.parameters != nil {
		env.update(t, f.parameters)
		defer env.update(t, nil)
	}
	status, err := env.run(t.Context(), in)
	if err != nil {
		t.Errorf("%v; the build ended with %q (%s)", err, status.Status, status.Cause)
		return wrong
	}
	if !f.expected(status.Status, status.Cause) {
		t.Errorf("the build ended with %q (%s), which does not fit the fault", status.Status, status.Cause)
		return wrong
	}
	if err := env.checkRecords(f, status); err != nil {
		t.Error(err)
		return wrong
	}
	if status.Status == api.StatusSuccess {
		return succeeded
	}
	return failed
}

// run builds and injects a fault. It returns after the build has ended and the fault is
// repaired.
func (env *environment) run(ctx context.Context, in *injection) (status api.Status, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if in.before != nil {
		if err := in.before(); err != nil {
			return status, fmt.Errorf("inject the fault: %w", err)
		}
	}
	if in.repair != nil {
		defer func() { err = errors.Join(err, in.repair()) }()
	}
	if _, err := env.Client.Build(ctx); err != nil {
		return status, err
	}
	injecting, over := context.WithCancelCause(ctx)
	injected := make(chan error, 1)
	go func() {
		if in.inject == nil {
			injected <- nil
			return
		}
		injected <- in.inject(injecting)
	}()
	status, err = env.Client.Events(ctx, func(api.Event) error { return nil })
	over(errors.New("the build had ended"))
	return status, errors.Join(err, <-injected)
}

// update sets the usual parameters, with changes.
func (env *environment) update(t *testing.T, changes map[string]any) {
	t.Helper()
	if _, err := env.Client.Update(t.Context(), env.Parameters(t, changes)); err != nil {
		t.Fatal(err)
	}
}

// checkRecords compares the records on the volume with the statuses that the server
// has reported.
func (env *environment) checkRecords(f fault, status api.Status) error {
	folders, err := filepath.Glob(filepath.Join(env.Server.Volume(), "builds", "*"))
	if err != nil {
		return err
	}
	slices.Reverse(folders) // sorted by name, which is the time; now the newest first
	if len(folders) < 2 && env.late != nil || len(folders) == 0 {
		return fmt.Errorf("there are only %d folders of builds", len(folders))
	}
	if env.late != nil {
		if err := checkRecord(folders[1], *env.late); err != nil {
			return fmt.Errorf("the previous build: %w", err)
		}
		env.late = nil
	}
	if f.late {
		env.late = &status
		return nil
	}
	return checkRecord(folders[0], status)
}

// checkRecord returns an error unless the record in a build's folder has that status and
// cause.
func checkRecord(folder string, status api.Status) error {
	text, err := os.ReadFile(filepath.Join(folder, "record.json"))
	if err != nil {
		return err
	}
	var record job.Record
	if err := json.Unmarshal(text, &record); err != nil {
		return err
	}
	if record.Status != status.Status || record.Cause != status.Cause {
		return fmt.Errorf("the record has %q (%s), the status was %q (%s)", record.Status, record.Cause, status.Status, status.Cause)
	}
	return nil
}

// awaitClosed waits until a channel is closed.
func awaitClosed(ctx context.Context, closed <-chan struct{}, what string) error {
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait until %s: %w", what, context.Cause(ctx))
	}
}

// eventually waits until a condition holds, which another process fulfils.
func eventually(ctx context.Context, what string, holds func() (bool, error)) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		if now, err := holds(); now || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, context.Cause(ctx))
		}
	}
}
