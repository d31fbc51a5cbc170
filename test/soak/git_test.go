//go:build stack

package soak

import (
	"context"
	"math/rand/v2"
	"regexp"

	"github.com/opensbs/sbs/test/gate"
)

func (env *environment) gitGate() *gate.Gate { return env.Gates.Git }

// gitHostGone: the Git host goes down before or during a clone.
var gitHostGone = fault{
	name: "git host gone",
	moments: []moment{
		fromTheBeginning((*environment).gitGate),
		{"in mid-clone", func(env *environment, random *rand.Rand) *injection {
			cut := env.Gates.Git.CutAfter(1 + random.Int64N(payloadSize))
			return &injection{
				inject: func(ctx context.Context) error { return awaitClosed(ctx, cut, "the git host has sent that many bytes") },
				repair: env.Gates.Git.Up,
			}
		}},
	},
	commands: []string{"git clone "},
	cause:    regexp.MustCompile(lost + `|the git host broke off`),
}
