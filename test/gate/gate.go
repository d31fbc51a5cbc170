//go:build stack

// A test of what happens during a step must stop the build there, whatever the
// speed of the machine. Gates do that from outside: no part knows of them.
package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// gate is a proxy in front of one part of the stack. It lets everything through
// until it is told to hold, or to be down.
type gate struct {
	network string // tcp or unix, on both sides
	address string // where it listens
	target  string // what is behind it

	running sync.WaitGroup

	mu          sync.Mutex
	listener    net.Listener
	connections map[net.Conn]bool
	marker      []byte        // what is held when it is said; nil: nothing
	reached     chan struct{} // closed when the first is held
	opened      chan struct{} // closed when what is held may go on
}

// newGate opens a gate at address; for tcp, "127.0.0.1:0" takes a free port.
func newGate(network, address, target string) (*gate, error) {
	g := &gate{network: network, address: address, target: target, connections: map[net.Conn]bool{}}
	return g, g.up()
}

// up lets connections in again, at the same address.
func (g *gate) up() error {
	listener, err := net.Listen(g.network, g.address)
	if err != nil {
		return fmt.Errorf("open the gate to %s: %w", g.target, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listener, g.address = listener, listener.Addr().String()
	g.running.Go(func() { g.accept(listener) })
	return nil
}

// down refuses connections from now on and cuts those that there are.
func (g *gate) down() error {
	g.release()
	g.mu.Lock()
	defer g.mu.Unlock()
	for conn := range g.connections {
		_ = conn.Close() // whoever uses it sees that
	}
	err := g.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// close takes the gate away and returns when nothing of it runs any more.
func (g *gate) close() error {
	err := g.down()
	g.running.Wait()
	return err
}

// hold keeps back whatever a client says that has marker in it, which is not
// passed on before release. An empty marker is in everything. The channel is
// closed when something is held for the first time.
func (g *gate) hold(marker string) (reached <-chan struct{}) {
	g.release()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.marker, g.reached, g.opened = []byte(marker), make(chan struct{}), make(chan struct{})
	return g.reached
}

// release lets go of what is held and holds nothing any more.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.marker != nil {
		close(g.opened)
		g.marker = nil
	}
}

// pass waits as long as text is to be held.
func (g *gate) pass(text []byte) {
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

func (g *gate) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // the gate is down
		}
		g.running.Go(func() { g.serve(conn) })
	}
}

// serve joins a client to the target until both have said all they had to.
// Errors end the connection, which is what the two sides see of them.
func (g *gate) serve(client net.Conn) {
	defer g.forget(client)
	target, err := net.Dial(g.network, g.target)
	if err != nil {
		return
	}
	defer g.forget(target)
	g.remember(client, target)
	var both sync.WaitGroup
	both.Go(func() { relay(target, client, g.pass) })
	both.Go(func() { relay(client, target, func([]byte) {}) })
	both.Wait()
}

func (g *gate) remember(connections ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, conn := range connections {
		g.connections[conn] = true
	}
}

func (g *gate) forget(conn net.Conn) {
	_ = conn.Close() // it is at its end anyhow
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.connections, conn)
}

// relay copies what source says, each piece as soon as pass lets it.
func relay(target, source net.Conn, pass func([]byte)) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := source.Read(buffer)
		if n > 0 {
			pass(buffer[:n])
			if _, err := target.Write(buffer[:n]); err != nil {
				_ = source.Close() // nobody listens any more
				return
			}
		}
		if errors.Is(err, io.EOF) {
			// Docker's protocol ends one direction before the other.
			if half, ok := target.(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
			}
			return
		}
		if err != nil {
			_ = target.Close()
			return
		}
	}
}
