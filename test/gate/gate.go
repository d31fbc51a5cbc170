//go:build stack

package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/opensbs/sbs/test/harness/loopback"
)

// Gate is a proxy in front of one part of the stack. It lets everything through
// until it is told to hold, to be slow, to cut or to be down.
type Gate struct {
	network string // tcp or unix, on both sides
	target  string // what is behind it

	running sync.WaitGroup

	mu          sync.Mutex
	address     string
	listener    net.Listener
	connections map[net.Conn]bool
	marker      []byte        // what is held when it is said; nil: nothing
	reached     chan struct{} // closed when the first is held
	opened      chan struct{} // closed when what is held may go on
	cut         *cut          // nil: never
	pace        *pace         // nil: as fast as it goes
}

// New opens a gate at address. For tcp, no address is a free port of loopback,
// which nobody gets by chance while the gate is down.
func New(network, address, target string) (*Gate, error) {
	if network == "tcp" && address == "" {
		port, err := loopback.FreePort(context.Background())
		if err != nil {
			return nil, err
		}
		address = net.JoinHostPort("127.0.0.1", port)
	}
	g := &Gate{network: network, address: address, target: target, connections: map[net.Conn]bool{}}
	return g, g.Up()
}

// Address is where the gate listens, Target what is behind it.
func (g *Gate) Address() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.address
}

// Target is the address of what is behind the gate.
func (g *Gate) Target() string { return g.target }

// Up lets connections in again, at the same address.
func (g *Gate) Up() error {
	listener, err := net.Listen(g.network, g.Address())
	if err != nil {
		return fmt.Errorf("open the gate to %s: %w", g.target, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listener, g.address = listener, listener.Addr().String()
	g.running.Go(func() { g.accept(listener) })
	return nil
}

// Down refuses connections from now on and cuts those that there are. What is
// held may or may not reach the other side.
func (g *Gate) Down() error {
	g.Release()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut()
}

// shut is called with the lock held.
func (g *Gate) shut() error {
	for conn := range g.connections {
		_ = conn.Close() // whoever uses it sees that
	}
	if g.listener == nil {
		return nil // it was never up
	}
	err := g.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Close takes the gate away and returns when nothing of it runs any more.
func (g *Gate) Close() error {
	err := g.Down()
	g.running.Wait()
	return err
}

// Hold keeps back whatever a client says that has marker in it, which is not
// passed on before Release. An empty marker is in everything. The channel is
// closed when something is held for the first time.
func (g *Gate) Hold(marker string) (reached <-chan struct{}) {
	g.Release()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.marker, g.reached, g.opened = []byte(marker), make(chan struct{}), make(chan struct{})
	return g.reached
}

// Release lets go of what is held and holds nothing any more.
func (g *Gate) Release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.marker != nil {
		close(g.opened)
		g.marker = nil
	}
}

// pass waits as long as text, which a client said, is to be held.
func (g *Gate) pass(text []byte) {
	g.mu.Lock()
	held := g.marker != nil && bytes.Contains(text, g.marker)
	opened := g.opened
	if held {
		select {
		case <-g.reached:
		default:
			close(g.reached)
		}
	}
	g.mu.Unlock()
	if held {
		<-opened
	}
}

func (g *Gate) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // the gate is down
		}
		g.running.Go(func() { g.serve(conn) })
	}
}

func (g *Gate) remember(connections ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, conn := range connections {
		g.connections[conn] = true
	}
}

func (g *Gate) forget(conn net.Conn) {
	_ = conn.Close() // it is at its end anyhow
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.connections, conn)
}
