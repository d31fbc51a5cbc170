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
	instants = flag.Int("instants", 22, "how often the server is killed")
	seed     = flag.Uint64("seed", 0, "what the instants are drawn from; 0 draws a seed")
	only     = flag.String("only", "", "the one operation to be killed in; all of them unless given")
)

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
	env.succeeds(t)
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
			t.Cleanup(func() { results.of(o).fault(t.Failed()) })
			phase, ending := env.once(t, o, at, random)
			results.of(o).add(phase, ending)
		})
	}
	fmt.Print(results.String())
}

// schedule deals the instants out to the operations by their shares, in an
// order that is drawn too.
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

// measure lets an operation come to its end, and says how far that is.
func (env *environment) measure(t *testing.T, o operation, random *rand.Rand) extent {
	task := o.begin(env, t, random)
	k := env.killed(t)
	reached := env.strikeDown(t, task, instant{}, &k)
	if k.answer != nil {
		t.Fatal(k.answer)
	}
	env.restart(t)
	return reached
}

// once kills the server once and checks everything.
func (env *environment) once(t *testing.T, o operation, at instant, random *rand.Rand) (phase, ending string) {
	task := o.begin(env, t, random)
	k := env.killed(t)
	env.strikeDown(t, task, at, &k)
	return k.phase(), env.recovered(t, task, k)
}

// killed begins what is known of a kill with how things are before it.
func (env *environment) killed(t testing.TB) (k killed) {
	t.Helper()
	k.raw.before = env.content(t)
	k.before = env.opened(t, k.raw.before)
	return k
}

// strikeDown runs a task on the server and kills it at an instant, or when the
// task is over. It says how far the task got.
func (env *environment) strikeDown(t testing.TB, task task, at instant, k *killed) extent {
	t.Helper()
	if env.Server.PID() == 0 {
		if err := env.Server.Launch(); err != nil {
			t.Fatal(err)
		}
	}
	strike := env.aim(t, at)
	over := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), kit.Timeout)
	defer cancel()
	go func() { over <- task.run(ctx) }()
	k.answer = <-over
	// A client whose connection broke has heard of it; one that was answered
	// may be ahead of the strike, which is called off then.
	reached := strike.off()
	env.kill(t)
	k.raw.after = env.content(t)
	k.after = env.opened(t, k.raw.after)
	return reached
}

// recovered starts the server again and checks what must always be true, and
// what must be true after the task.
func (env *environment) recovered(t testing.TB, task task, k killed) (ending string) {
	t.Helper()
	env.restart(t)
	after := env.content(t)
	after.whole(t)
	kept(t, k.before, env.opened(t, after))
	kept(t, k.after, env.opened(t, after))
	env.nothingLeft(t)
	ending = task.check(t, k)
	kept(t, k.before, env.opened(t, env.content(t)))
	env.content(t).whole(t)
	env.nothingLeft(t)
	return ending
}
