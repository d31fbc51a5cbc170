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

// fault is a failure of a system that the server uses, and the result that a build
// must have then.
type fault struct {
	name string
	// parameters are additional parameters of the build.
	parameters map[string]any
	moments    []moment
	// commands are prefixes of the command lines of the steps in which the build may
	// fail, and cause matches the cause. Without commands the build must succeed.
	commands []string
	cause    *regexp.Regexp
	// late is set if the record of the build may be missing until the fault is repaired.
	// The server then stores it when the next build starts.
	late bool
}

// moment is a point of a build at which a fault is injected.
type moment struct {
	name string
	// arm returns the injection, with random parameters. It is called before the build
	// starts.
	arm func(*environment, *rand.Rand) *injection
}

// injection injects a fault into one build. Each function may be nil.
type injection struct {
	// before is called before the build starts.
	before func() error
	// inject is called while the build runs. It waits for the moment of the fault, and
	// injects it.
	inject func(context.Context) error
	// repair ends the fault. It is called after the build has ended.
	repair func() error
}

// lost matches the texts of a connection that a part refused or closed.
const lost = `(connection refused|connection reset|connection closed by the peer|broken pipe|EOF)`

// noFault is a build without a fault.
var noFault = fault{name: "none", moments: []moment{{"", func(*environment, *rand.Rand) *injection { return nil }}}}

// faults are all faults.
var faults = []fault{registryDown, notaryDown, gitHostGone, engineRestarted, engineKilled, diskFull, slowNetwork, clientGone}

// expected reports whether status and cause of an ended build fit the fault.
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

// fromTheBeginning returns a moment at which a part is down before the build starts.
func fromTheBeginning(part func(*environment) *gate.Gate) moment {
	return moment{"from the beginning", func(env *environment, _ *rand.Rand) *injection {
		g := part(env)
		return &injection{before: g.Down, repair: g.Up}
	}}
}

// when returns a moment at which a part goes down: when data with marker is sent to it.
func when(name, marker string, part func(*environment) *gate.Gate) moment {
	return moment{name, func(env *environment, _ *rand.Rand) *injection {
		g := part(env)
		held := g.Hold(marker)
		return &injection{
			inject: func(ctx context.Context) error {
				if err := awaitClosed(ctx, held, "the gate to "+g.Target()+" holds "+marker); err != nil {
					return err
				}
				return g.Down()
			},
			repair: g.Up,
		}
	}}
}
