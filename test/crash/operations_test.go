//go:build stack

// What a server may be killed in, and what must be true afterwards.
package crash

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/opensbs/sbs/api"
)

// operation is something that the server does.
type operation struct {
	name string
	// share of the instants, in parts of the sum of all.
	share int
	// begin brings the stack to where the operation begins.
	begin func(*environment, testing.TB, *rand.Rand) task
}

// task is an operation that is to be done once.
type task struct {
	// run does it as a client does, and returns when it is over or broken.
	run func(context.Context) error
	// check is called with the server up again, and says how it ended. Nothing
	// that was there before may be lost; that is checked beside it.
	check func(testing.TB, killed) string
}

// killed is what is known of a kill.
type killed struct {
	before content // opened, from before the operation
	after  content // opened, from after the kill and before the restart
	raw    struct{ before, after content }
	answer error // nil when the client was answered before the kill
}

// phase tells a kill before anything was changed from one within the operation
// and one after its end.
func (k killed) phase() string {
	switch {
	case k.answer == nil:
		return "after"
	case k.raw.before.equal(k.raw.after):
		return "before"
	}
	return "within"
}

// operations are all of them. The one that everything else serves has the
// largest share.
var operations = []operation{
	{"build", 7, (*environment).beginBuild},
	{"first build", 3, (*environment).beginFirstBuild},
	{"import", 4, (*environment).beginImport},
	{"rotation", 3, (*environment).beginRotation},
	{"start", 2, (*environment).beginStart},
	{"clean", 2, (*environment).beginClean},
	{"init", 1, (*environment).beginInit},
}

// beginBuild is a full build on a server that has built before.
func (env *environment) beginBuild(testing.TB, *rand.Rand) task {
	return task{env.build, env.checkBuild}
}

// beginFirstBuild is a build in which all keys are born, on a new server and of
// an image that nobody signed before.
func (env *environment) beginFirstBuild(t testing.TB, _ *rand.Rand) task {
	t.Helper()
	env.elsewhere(t)
	env.newImage(t)
	if _, err := env.Client.Init(t.Context(), env.parameters(t, nil)); err != nil {
		t.Fatal(err)
	}
	return task{env.build, env.checkBuild}
}

// beginInit is init on a new server.
func (env *environment) beginInit(t testing.TB, _ *rand.Rand) task {
	t.Helper()
	env.elsewhere(t)
	env.newImage(t)
	parameters := env.parameters(t, nil)
	return task{
		run: func(ctx context.Context) error {
			_, err := env.Client.Init(ctx, parameters)
			return err
		},
		check: func(t testing.TB, k killed) string {
			_, there := k.after[sealedFolder+"parameters"]
			if k.answer == nil && !there {
				t.Error("init was answered with OK, and the parameters are lost")
			}
			ending := "parameters kept"
			if !there {
				ending = "as new"
				if _, err := env.Client.Init(t.Context(), parameters); err != nil {
					t.Error(err)
				}
			}
			env.succeeds(t)
			return ending
		},
	}
}

// beginClean is clean in the midst of a build.
func (env *environment) beginClean(t testing.TB, random *rand.Rand) task {
	t.Helper()
	env.builtUpTo(t, statuses[random.IntN(len(statuses)-1)])
	return task{
		run: func(ctx context.Context) error {
			_, err := env.Client.Clean(ctx)
			return err
		},
		check: func(t testing.TB, k killed) string {
			if k.answer == nil {
				if status := env.Status(t); status.Status != api.StatusRestarted {
					t.Errorf("clean was answered, and the status is %q", status.Status)
				}
				env.succeeds(t)
				return "cleaned"
			}
			return env.checkBuild(t, k)
		},
	}
}

// beginStart is the start of a server that was killed before, in the midst of a
// build or an import.
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
	before := env.killed(t)
	env.strikeDown(t, first, at, &before)
	return task{
		run: func(ctx context.Context) error { return env.Server.WaitReady(ctx) },
		check: func(t testing.TB, k killed) string {
			// What the first kill left is what the start had to mend.
			k.before, k.raw.before = before.before, before.raw.before
			k.answer = before.answer
			return first.check(t, k)
		},
	}
}
