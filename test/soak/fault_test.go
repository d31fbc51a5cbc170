//go:build stack

package soak

import (
	"context"
	"math/rand/v2"
	"regexp"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/gate"
)

// fault is something that goes wrong around a server, and what a build that runs
// meanwhile has to say of it.
type fault struct {
	name string
	// parameters are those that the build has beside its usual ones.
	parameters map[string]any
	moments    []moment
	// commands are beginnings of the command lines of the steps that the fault
	// can end, cause is what the cause says then. A fault without commands ends
	// no build.
	commands []string
	cause    *regexp.Regexp
	// late says that there may be no room for the record of the build before it
	// is mended; the server makes up for that when the next build begins.
	late bool
}

// moment is when a fault comes.
type moment struct {
	name string
	// arm is called before the build begins, and draws what there is to draw.
	arm func(*environment, *rand.Rand) *injection
}

// injection is a fault that is to come once. No field but inject must be there.
type injection struct {
	// before breaks something, or gets ready to, before the build begins.
	before func() error
	// inject waits until the build that runs is where the fault belongs, and
	// breaks something.
	inject func(context.Context) error
	// heal mends what was broken. It is called when the build has ended.
	heal func() error
}

// lost matches the texts of a connection that a part refused or closed.
const lost = `(connection refused|connection reset|connection closed by the peer|broken pipe|EOF)`

// peace is no fault.
var peace = fault{name: "none", moments: []moment{{"", func(*environment, *rand.Rand) *injection { return nil }}}}

// faults are all of them.
var faults = []fault{registryDown, notaryDown, gitHostGone, engineRestarted, engineKilled, diskFull, slowNetwork, clientGone}

// expected tells whether a build that has ended with status and cause says why.
func (f fault) expected(status, cause string) bool {
	if len(f.commands) == 0 {
		return status == api.StatusSuccess
	}
	for _, command := range f.commands {
		if strings.HasPrefix(status, api.FailureStatus(command)) {
			return f.cause.MatchString(cause)
		}
	}
	return false
}

// fromTheBeginning is a part that is down before the build begins.
func fromTheBeginning(part func(*environment) *gate.Gate) moment {
	return moment{"from the beginning", func(env *environment, _ *rand.Rand) *injection {
		g := part(env)
		return &injection{before: g.Down, heal: g.Up}
	}}
}

// when is a part that goes down when it is told something that has marker in it.
func when(name, marker string, part func(*environment) *gate.Gate) moment {
	return moment{name, func(env *environment, _ *rand.Rand) *injection {
		g := part(env)
		held := g.Hold(marker)
		return &injection{
			inject: func(ctx context.Context) error {
				if err := happens(ctx, held, "the gate to "+g.Target()+" holds "+marker); err != nil {
					return err
				}
				return g.Down()
			},
			heal: g.Up,
		}
	}}
}
