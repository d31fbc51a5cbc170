//go:build stack

package gate

import (
	"errors"
	"io"
	"net"
	"sync"
)

// piece is the most that passes at once, in bytes; slowPiece while the gate is
// slow, so that it is slow evenly.
const (
	piece     = 64 << 10
	slowPiece = 4 << 10
)

// serve joins a client to the target until both have said all they had to.
// Errors end the connection, which is what the two sides see of them.
func (g *Gate) serve(client net.Conn) {
	defer g.forget(client)
	target, err := net.Dial(g.network, g.target)
	if err != nil {
		return
	}
	defer g.forget(target)
	g.remember(client, target)
	gone := make(chan struct{})
	var both sync.WaitGroup
	// The end of one direction with an error is the end of both.
	over := sync.OnceFunc(func() { close(gone) })
	both.Go(func() { g.relay(target, client, gone, over, g.pass) })
	both.Go(func() { g.relay(client, target, gone, over, g.count) })
	both.Wait()
}

// relay copies what source says, each piece as soon as pass lets it. It calls
// over when the connection broke.
func (g *Gate) relay(target, source net.Conn, gone <-chan struct{}, over func(), pass func([]byte)) {
	buffer := make([]byte, piece)
	for {
		pace := g.currentPace()
		part := buffer
		if pace != nil {
			part = buffer[:slowPiece]
		}
		n, err := source.Read(part)
		if n > 0 {
			pass(part[:n])
			pace.wait(n, gone)
			if _, err := target.Write(part[:n]); err != nil {
				over()
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
			over()
			_ = target.Close()
			return
		}
	}
}
