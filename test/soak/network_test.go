//go:build stack

package soak

import (
	"math/rand/v2"

	"github.com/opensbs/sbs/test/gate"
)

// slowNetwork: every part responds at a low data rate.
var slowNetwork = fault{
	name: "slow network",
	moments: []moment{{"", func(env *environment, random *rand.Rand) *injection {
		rate := 128<<10 + random.IntN(384<<10) // bytes per second
		parts := []*gate.Gate{env.Gates.Git, env.Gates.Registry, env.Gates.Notary}
		set := func(rate int) func() error {
			return func() error {
				for _, part := range parts {
					part.Slow(rate)
				}
				return nil
			}
		}
		return &injection{before: set(rate), repair: set(0)}
	}}},
}
