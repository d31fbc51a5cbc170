//go:build stack

package crash

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/opensbs/sbs/test/kit"
)

var (
	instants = flag.Int("instants", 22, "number of times that the server is killed")
	seed     = flag.Uint64("seed", 0, "seed of the instants; 0 draws one")
	only     = flag.String("only", "", "the only operation in which the server is killed; all of them by default")
)

// A server that is killed in any operation continues correctly when it is restarted.
func TestKilled(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	fmt.Printf("SEED=%d INSTANTS=%d\n", *seed, *instants)
	env := start(t)
	env.extents = map[string]extent{}
	if _, err := env.Client.Init(t.Context(), env.parameters(t, nil)); err != nil {
		t.Fatal(err)
	}
	env.mustBuild(t)
	random := rand.New(rand.NewPCG(*seed, 0))
	for _, o := range operations {
		if *only != "" && o.name != *only && *only != "start" {
			continue
		}
		t.Run("measure "+o.name, func(t *testing.T) { env.extents[o.name] = env.measure(t, o, random) })
	}
	results := table{}
	for i, o := range schedule(*instants, random) {
		at := env.extents[o.name].within(random)
		t.Run(fmt.Sprintf("%03d %s %s", i+1, o.name, at), func(t *testing.T) {
			t.Cleanup(func() { results.of(o).count(t.Failed()) })
			phase, ending := env.killIn(t, o, at, random)
			results.of(o).add(phase, ending)
		})
	}
	fmt.Print(results.String())
}

// schedule returns count operations in random order, distributed by their shares.
func schedule(count int, random *rand.Rand) []operation {
	var round []operation
	for _, o := range operations {
		if *only == "" || o.name == *only {
			round = append(round, slices.Repeat([]operation{o}, o.share)...)
		}
	}
	var all []operation
	for len(all) < count && len(round) > 0 {
		random.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		all = append(all, round...)
	}
	return all[:min(count, len(all))]
}

// measure runs an operation to its end and returns its extent.
func (env *environment) measure(t *testing.T, o operation, random *rand.Rand) extent {
	task := o.begin(env, t, random)
	k := env.beforeKill(t)
	reached := env.runAndKill(t, task, instant{}, &k)
	if k.clientErr != nil {
		t.Fatal(k.clientErr)
	}
	env.restart(t)
	return reached
}

// killIn kills the server once in an operation, and checks everything after a restart.
func (env *environment) killIn(t *testing.T, o operation, at instant, random *rand.Rand) (phase, ending string) {
	task := o.begin(env, t, random)
	k := env.beforeKill(t)
	env.runAndKill(t, task, at, &k)
	return k.phase(), env.checkRecovery(t, task, k)
}

// beforeKill returns a killed with the content of the volume before the kill.
func (env *environment) beforeKill(t testing.TB) (k killed) {
	t.Helper()
	k.raw.before = env.content(t)
	k.before = env.unsealed(t, k.raw.before)
	return k
}

// runAndKill runs a task on the server and kills the server at an instant, or at the
// end of the task. It completes k and returns the extent that the task reached.
func (env *environment) runAndKill(t testing.TB, task task, at instant, k *killed) extent {
	t.Helper()
	if env.Server.PID() == 0 {
		if err := env.Server.Launch(); err != nil {
			t.Fatal(err)
		}
	}
	pending := env.arm(t, at)
	over := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), kit.Timeout)
	defer cancel()
	go func() { over <- task.run(ctx) }()
	k.clientErr = <-over
	// After an error the server was killed. After a response it may still run: the kill
	// is disarmed, and done here.
	reached := pending.disarm()
	env.kill(t)
	k.raw.after = env.content(t)
	k.after = env.unsealed(t, k.raw.after)
	return reached
}

// checkRecovery restarts the server and checks what must be true after every kill, and
// after a kill in this task.
func (env *environment) checkRecovery(t testing.TB, task task, k killed) (ending string) {
	t.Helper()
	env.restart(t)
	after := env.content(t)
	after.checkComplete(t)
	checkKept(t, k.before, env.unsealed(t, after))
	checkKept(t, k.after, env.unsealed(t, after))
	env.checkEngine(t)
	ending = task.check(t, k)
	checkKept(t, k.before, env.unsealed(t, env.content(t)))
	env.content(t).checkComplete(t)
	env.checkEngine(t)
	return ending
}
