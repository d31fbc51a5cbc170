//go:build stack

package crash

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/opensbs/sbs/api"
)

// operation is an operation of the server in which it is killed.
type operation struct {
	name string
	// share is the weight of the operation among all.
	share int
	// begin prepares the stack for the operation.
	begin func(*environment, testing.TB, *rand.Rand) task
}

// task is one run of an operation.
type task struct {
	// run performs the operation as a client, and returns at its end or with an error.
	run func(context.Context) error
	// check checks the restarted server after a kill, and returns how the operation
	// ended. That nothing is lost is checked separately.
	check func(testing.TB, killed) string
}

// killed is the content of the volume around a kill, and what the client received.
type killed struct {
	before    content // unsealed, before the operation
	after     content // unsealed, after the kill and before the restart
	raw       struct{ before, after content }
	clientErr error // nil when the client received the response before the kill
}

// phase returns when the kill happened: before the operation changed anything, within
// it, or after its end.
func (k killed) phase() string {
	switch {
	case k.clientErr == nil:
		return "after"
	case k.raw.before.equal(k.raw.after):
		return "before"
	}
	return "within"
}

// operations are all operations. A build has the largest share.
var operations = []operation{
	{"build", 7, (*environment).beginBuild},
	{"first build", 3, (*environment).beginFirstBuild},
	{"import", 4, (*environment).beginImport},
	{"rotation", 3, (*environment).beginRotation},
	{"start", 2, (*environment).beginStart},
	{"clean", 2, (*environment).beginClean},
	{"init", 1, (*environment).beginInit},
}

// beginBuild returns a full build on a server that has built before.
func (env *environment) beginBuild(testing.TB, *rand.Rand) task {
	return task{env.build, env.checkBuild}
}

// beginFirstBuild returns a build in which all keys are generated, on a new server, of an
// image that was never signed.
func (env *environment) beginFirstBuild(t testing.TB, _ *rand.Rand) task {
	t.Helper()
	env.useNewVolume(t)
	env.newImage(t)
	if _, err := env.Client.Init(t.Context(), env.parameters(t, nil)); err != nil {
		t.Fatal(err)
	}
	return task{env.build, env.checkBuild}
}

// beginInit returns init on a new server.
func (env *environment) beginInit(t testing.TB, _ *rand.Rand) task {
	t.Helper()
	env.useNewVolume(t)
	env.newImage(t)
	parameters := env.parameters(t, nil)
	return task{
		run: func(ctx context.Context) error {
			_, err := env.Client.Init(ctx, parameters)
			return err
		},
		check: func(t testing.TB, k killed) string {
			_, stored := k.after[sealedFolder+"parameters"]
			if k.clientErr == nil && !stored {
				t.Error("init succeeded, but the parameters are lost")
			}
			ending := "parameters kept"
			if !stored {
				ending = "as new"
				if _, err := env.Client.Init(t.Context(), parameters); err != nil {
					t.Error(err)
				}
			}
			env.mustBuild(t)
			return ending
		},
	}
}

// beginClean returns clean during a build.
func (env *environment) beginClean(t testing.TB, random *rand.Rand) task {
	t.Helper()
	env.buildUntil(t, statuses[random.IntN(len(statuses)-1)])
	return task{
		run: func(ctx context.Context) error {
			_, err := env.Client.Clean(ctx)
			return err
		},
		check: func(t testing.TB, k killed) string {
			if k.clientErr == nil {
				if status := env.Status(t); status.Status != api.StatusRestarted {
					t.Errorf("clean succeeded, but the status is %q", status.Status)
				}
				env.mustBuild(t)
				return "cleaned"
			}
			return env.checkBuild(t, k)
		},
	}
}

// beginStart returns the start of a server that was killed during a build or an import.
func (env *environment) beginStart(t testing.TB, random *rand.Rand) task {
	t.Helper()
	var first task
	var at instant
	if random.IntN(2) == 0 {
		first = env.beginBuild(t, random)
		at = env.extents["build"].within(random)
	} else {
		first = env.beginImport(t, random)
		at = instant{change: 2 + random.IntN(max(1, env.extents["import"].changes-1))}
	}
	before := env.beforeKill(t)
	env.runAndKill(t, first, at, &before)
	return task{
		run: func(ctx context.Context) error { return env.Server.WaitReady(ctx) },
		check: func(t testing.TB, k killed) string {
			// The start has to recover from the first kill.
			k.before, k.raw.before = before.before, before.raw.before
			k.clientErr = before.clientErr
			return first.check(t, k)
		},
	}
}
