//go:build stack

// A test of what happens during a step must stop the build there, whatever the
// speed of the machine. Gates do that from outside: no part knows of them.
package e2e

import gates "github.com/opensbs/sbs/test/gate"

// gate is a proxy in front of one part of the stack.
type gate struct {
	between *gates.Gate
	address string // where it listens
	target  string // what is behind it
}

func newGate(network, address, target string) (*gate, error) {
	between, err := gates.New(network, address, target)
	return &gate{between, between.Address(), target}, err
}

func (g *gate) up() error                          { return g.between.Up() }
func (g *gate) down() error                        { return g.between.Down() }
func (g *gate) close() error                       { return g.between.Close() }
func (g *gate) hold(marker string) <-chan struct{} { return g.between.Hold(marker) }
func (g *gate) release()                           { g.between.Release() }
