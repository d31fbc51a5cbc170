//go:build stack

package kit

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
)

// Timeout bounds every wait. It is no measure of speed: it only makes a hanging
// test fail.
const Timeout = time.Minute

// Result holds the events of a build that a client received.
type Result struct {
	api.Status
	Statuses []string // without repetitions, in the order of the events
	Lines    []string // of the log
}

// Log returns the lines of the log as one text.
func (r Result) Log() string { return strings.Join(r.Lines, "\n") }

// Parameters returns the JSON body of init and update: the given parameters with
// changes. A change to nil removes a parameter.
func (env *Environment) Parameters(t testing.TB, changes map[string]any) []byte {
	t.Helper()
	body, err := json.Marshal(WithChanges(env.Given, changes))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// ParametersFor returns the parameters to build the repository <name>.git as the
// image sbs/<name>, with changes.
func (env *Environment) ParametersFor(t testing.TB, name string, changes map[string]any) []byte {
	t.Helper()
	all := map[string]any{"GITHUB_URL": env.URL(name + ".git"), "DOCKER_REPO": "sbs/" + name}
	maps.Copy(all, changes)
	return env.Parameters(t, all)
}

// Initialise sends the parameters of ParametersFor to the server.
func (env *Environment) Initialise(t testing.TB, name string, changes map[string]any) {
	t.Helper()
	if _, err := env.Client.Init(t.Context(), env.ParametersFor(t, name, changes)); err != nil {
		t.Fatal(err)
	}
}

// StartBuild starts a build. If the test fails, its cleanup stops the build for the
// next test.
func (env *Environment) StartBuild(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			env.Gates.ReleaseAll()
			_, _ = env.Client.Clean(context.WithoutCancel(t.Context())) // the test has failed already
		}
	})
	if _, err := env.Client.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Build starts a build, follows it to its end and returns its events.
func (env *Environment) Build(t testing.TB) Result {
	t.Helper()
	env.StartBuild(t)
	return env.Follow(t, Timeout, nil)
}

// MustBuild is Build, and fails the test unless the build succeeds.
func (env *Environment) MustBuild(t testing.TB) Result {
	t.Helper()
	return env.MustBuildWithin(t, Timeout)
}

// MustBuildWithin is MustBuild with another time limit.
func (env *Environment) MustBuildWithin(t testing.TB, limit time.Duration) Result {
	t.Helper()
	env.StartBuild(t)
	built := env.Follow(t, limit, nil)
	if built.Status.Status != api.StatusSuccess {
		t.Fatalf("the build ended with %q (%s), want success; its log:\n%s", built.Status.Status, built.Cause, built.Log())
	}
	return built
}

// Follow follows the running build to its end and returns its events. It calls
// seen, unless that is nil, with each of them.
func (env *Environment) Follow(t testing.TB, limit time.Duration, seen func(api.Event)) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var r Result
	status, err := env.Client.Events(ctx, func(event api.Event) error {
		if event.Status == nil {
			r.Lines = append(r.Lines, event.Log)
		} else if last := len(r.Statuses) - 1; last < 0 || r.Statuses[last] != event.Status.Status {
			r.Statuses = append(r.Statuses, event.Status.Status)
		}
		if seen != nil {
			seen(event)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("follow the build: %v; its statuses were %q:\n%s", err, r.Statuses, r.Log())
	}
	r.Status = status
	return r
}

var errSeen = errors.New("the event was seen")

// Await follows the running build until wanted returns true for an event. what
// describes that event in the error.
func (env *Environment) Await(t testing.TB, what string, wanted func(api.Event) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	defer cancel()
	status, err := env.Client.Events(ctx, func(event api.Event) error {
		if wanted(event) {
			return errSeen
		}
		return nil
	})
	if !errors.Is(err, errSeen) {
		t.Fatalf("timeout while waiting for %s: %v; the status is %q (%s)", what, err, status.Status, status.Cause)
	}
}

// AwaitStatus follows the running build until it has the status.
func (env *Environment) AwaitStatus(t testing.TB, status string) {
	t.Helper()
	env.Await(t, "the status "+status, func(event api.Event) bool {
		return event.Status != nil && event.Status.Status == status
	})
}

// Status returns the status of the latest build.
func (env *Environment) Status(t testing.TB) api.Status {
	t.Helper()
	status, err := env.Client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return status.Status
}

// Clean stops the running build.
func (env *Environment) Clean(t testing.TB) {
	t.Helper()
	if _, err := env.Client.Clean(t.Context()); err != nil {
		t.Error(err)
	}
}
