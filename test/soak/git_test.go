//go:build stack

package soak

import (
	"context"
	"math/rand/v2"
	"regexp"

	"github.com/opensbs/sbs/test/gate"
)

func (l *lab) gitGate() *gate.Gate { return l.git }

// gitHostGone: the git host goes away while it is cloned from.
var gitHostGone = fault{
	name: "git host gone",
	moments: []moment{
		fromTheBeginning((*lab).gitGate),
		{"in mid-clone", func(l *lab, random *rand.Rand) *injection {
			cut := l.git.CutAfter(1 + random.Int64N(payloadSize))
			return &injection{
				inject: func(ctx context.Context) error { return happens(ctx, cut, "the git host has said enough") },
				heal:   l.git.Up,
			}
		}},
	},
	commands: []string{"git clone "},
	cause:    regexp.MustCompile(`connection refused|connection reset|the git host broke off|EOF`),
}
