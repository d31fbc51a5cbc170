//go:build stack

package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
)

var (
	builds = flag.Int("builds", 17, "number of builds after the warm-up; 17 have each fault once")
	seed   = flag.Uint64("seed", 0, "seed of the faults; 0 draws one")
	only   = flag.String("only", "", "the only fault that is injected; all of them by default")
)

// warmUp is the number of builds before the resources are counted.
const warmUp = 3

// A server survives the faults of everything around it, reports them, and keeps no
// resources of past builds.
func TestSoak(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	fmt.Printf("SEED=%d BUILDS=%d\n", *seed, *builds)
	env := start(t)
	fresh := env.count(t)
	env.polled(t, func() {
		for range warmUp {
			env.build(t, noFault, nil)
		}
	})
	// The server has now what it loads once and keeps, such as code and caches.
	// Goroutines and open files are not part of that.
	before := env.awaitCounts(t, fresh.asLimit())
	random := rand.New(rand.NewPCG(*seed, 0))
	results := table{}
	polls := env.polled(t, func() {
		for i, f := range schedule(*builds, random) {
			moment := f.moments[random.IntN(len(f.moments))]
			t.Run(fmt.Sprintf("%03d %s %s", i+1, f.name, moment.name), func(t *testing.T) {
				ending := wrong
				defer func() { results.add(f, ending) }()
				ending = env.build(t, f, moment.arm(env, random))
			})
		}
		// A build could not clean up in an engine that was down, or store its record on
		// a full volume. The next build does that.
		env.build(t, noFault, nil)
	})
	after := env.awaitCounts(t, before)
	fmt.Print(results.String(), "\n", polls.String(), "\n", comparison(before, after))
}

// schedule returns count builds in random order: each fault equally often, as many
// builds without a fault, and one more of these in each round.
func schedule(count int, random *rand.Rand) (all []fault) {
	round := []fault{noFault}
	for _, f := range faults {
		if *only == "" || f.name == *only {
			round = append(round, f, noFault)
		}
	}
	for len(all) < count {
		random.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		all = append(all, round...)
	}
	return all[:count]
}
