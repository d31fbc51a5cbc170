//go:build stack

package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
)

var (
	builds = flag.Int("builds", 17, "how many builds there are, after the first ones; 17 have each fault once")
	seed   = flag.Uint64("seed", 0, "what the faults are drawn from; 0 draws a seed")
	only   = flag.String("only", "", "the one fault that is injected; all of them unless given")
)

// warmUp is how many builds are made before anything is counted.
const warmUp = 3

func TestSoak(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	fmt.Printf("SEED=%d BUILDS=%d\n", *seed, *builds)
	env := start(t)
	fresh := env.count(t)
	env.polled(t, func() {
		for range warmUp {
			env.once(t, peace, nil)
		}
	})
	// What the server has once and keeps is there now. A goroutine or an open
	// file is not among that.
	before := env.settled(t, fresh.asLimit())
	random := rand.New(rand.NewPCG(*seed, 0))
	results := table{}
	asked := env.polled(t, func() {
		for i, f := range schedule(*builds, random) {
			moment := f.moments[random.IntN(len(f.moments))]
			t.Run(fmt.Sprintf("%03d %s %s", i+1, f.name, moment.name), func(t *testing.T) {
				ending := wrong
				defer func() { results.add(f, ending) }()
				ending = env.once(t, f, moment.arm(env, random))
			})
		}
		// What a build could not remove from an engine that was gone, or record on
		// a full volume, the next one makes up for.
		env.once(t, peace, nil)
	})
	after := env.settled(t, before)
	fmt.Print(results.String(), "\n", asked.String(), "\n", compared(before, after))
}

// schedule deals the faults out, each as often as any other, and one build more
// in peace in each round, in an order that is drawn.
func schedule(count int, random *rand.Rand) (all []fault) {
	round := []fault{peace}
	for _, f := range faults {
		if *only == "" || f.name == *only {
			round = append(round, f, peace)
		}
	}
	for len(all) < count {
		random.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		all = append(all, round...)
	}
	return all[:count]
}
