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

// Gate is a proxy to one part of the stack. It forwards everything unless a test
// calls Hold, Slow, CutAfter or Down.
type Gate struct {
	network string // tcp or unix, on both sides
	target  string // address to which it forwards

	running sync.WaitGroup

	mu          sync.Mutex
	address     string
	listener    net.Listener
	connections map[net.Conn]bool
	marker      []byte        // client data that contains it is held; nil: none is
	reached     chan struct{} // closed when data is held for the first time
	released    chan struct{} // closed by Release
	cut         *cut          // nil: never
	pace        *pace         // nil: unlimited
}

// New opens a gate at address. For tcp, an empty address means a free loopback port
// outside the range of ephemeral ports, so that no other program gets it while the
// gate is down.
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

// Address returns the address at which the gate listens.
func (g *Gate) Address() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.address
}

// Target returns the address to which the gate forwards.
func (g *Gate) Target() string { return g.target }

// Up accepts connections again, at the same address.
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

// Down refuses new connections and closes the open ones. Held data may or may not
// reach the target.
func (g *Gate) Down() error {
	g.Release()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closeLocked()
}

// closeLocked closes the listener and all connections. The caller holds the lock.
func (g *Gate) closeLocked() error {
	for conn := range g.connections {
		_ = conn.Close() // both ends get an error from it
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

// Close closes the gate and returns when its goroutines have ended.
func (g *Gate) Close() error {
	err := g.Down()
	g.running.Wait()
	return err
}

// Hold holds client data that contains marker until Release; an empty marker holds
// all of it. The returned channel is closed when data is held for the first time.
func (g *Gate) Hold(marker string) (reached <-chan struct{}) {
	g.Release()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.marker, g.reached, g.released = []byte(marker), make(chan struct{}), make(chan struct{})
	return g.reached
}

// Release forwards the held data and ends Hold.
func (g *Gate) Release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.marker != nil {
		close(g.released)
		g.marker = nil
	}
}

// waitReleased waits until data of a client need not be held.
func (g *Gate) waitReleased(data []byte) {
	g.mu.Lock()
	held := g.marker != nil && bytes.Contains(data, g.marker)
	released := g.released
	if held {
		select {
		case <-g.reached:
		default:
			close(g.reached)
		}
	}
	g.mu.Unlock()
	if held {
		<-released
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

func (g *Gate) track(connections ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, conn := range connections {
		g.connections[conn] = true
	}
}

func (g *Gate) untrack(conn net.Conn) {
	_ = conn.Close() // it is not used any more
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.connections, conn)
}
