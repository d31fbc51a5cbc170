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
	begin func(*lab, testing.TB, *rand.Rand) task
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
	{"build", 7, (*lab).beginBuild},
	{"first build", 3, (*lab).beginFirstBuild},
	{"import", 4, (*lab).beginImport},
	{"rotation", 3, (*lab).beginRotation},
	{"start", 2, (*lab).beginStart},
	{"clean", 2, (*lab).beginClean},
	{"init", 1, (*lab).beginInit},
}

// beginBuild is a full build on a server that has built before.
func (l *lab) beginBuild(testing.TB, *rand.Rand) task {
	return task{l.build, l.checkBuild}
}

// beginFirstBuild is a build in which all keys are born, on a new server and of
// an image that nobody signed before.
func (l *lab) beginFirstBuild(t testing.TB, _ *rand.Rand) task {
	t.Helper()
	l.elsewhere(t)
	l.newImage(t)
	if _, err := l.client.Init(t.Context(), l.parameters(t, nil)); err != nil {
		t.Fatal(err)
	}
	return task{l.build, l.checkBuild}
}

// beginInit is init on a new server.
func (l *lab) beginInit(t testing.TB, _ *rand.Rand) task {
	t.Helper()
	l.elsewhere(t)
	l.newImage(t)
	parameters := l.parameters(t, nil)
	return task{
		run: func(ctx context.Context) error {
			_, err := l.client.Init(ctx, parameters)
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
				if _, err := l.client.Init(t.Context(), parameters); err != nil {
					t.Error(err)
				}
			}
			l.succeeds(t)
			return ending
		},
	}
}

// beginClean is clean in the midst of a build.
func (l *lab) beginClean(t testing.TB, random *rand.Rand) task {
	t.Helper()
	l.builtUpTo(t, statuses[random.IntN(len(statuses)-1)])
	return task{
		run: func(ctx context.Context) error {
			_, err := l.client.Clean(ctx)
			return err
		},
		check: func(t testing.TB, k killed) string {
			if k.answer == nil {
				if status := l.status(t); status.Status != api.StatusRestarted {
					t.Errorf("clean was answered, and the status is %q", status.Status)
				}
				l.succeeds(t)
				return "cleaned"
			}
			return l.checkBuild(t, k)
		},
	}
}

// beginStart is the start of a server that was killed before, in the midst of a
// build or an import.
func (l *lab) beginStart(t testing.TB, random *rand.Rand) task {
	t.Helper()
	var first task
	var at instant
	if random.IntN(2) == 0 {
		first = l.beginBuild(t, random)
		at = l.extents["build"].within(random)
	} else {
		first = l.beginImport(t, random)
		at = instant{change: 2 + random.IntN(max(1, l.extents["import"].changes-1))}
	}
	before := l.killed(t)
	l.strikeDown(t, first, at, &before)
	return task{
		run: func(ctx context.Context) error { return l.Server.Ready(ctx) },
		check: func(t testing.TB, k killed) string {
			// What the first kill left is what the start had to mend.
			k.before, k.raw.before = before.before, before.raw.before
			k.answer = before.answer
			return first.check(t, k)
		},
	}
}
