//go:build stack

package gate

import (
	"errors"
	"io"
	"net"
	"sync"
)

// piece is the size of the copy buffer in bytes; slowPiece is that under a rate
// limit, so that the rate is even.
const (
	piece     = 64 << 10
	slowPiece = 4 << 10
)

// serve copies between a client and the target until both have closed their side.
// An error closes both connections; it is not reported.
func (g *Gate) serve(client net.Conn) {
	defer g.untrack(client)
	target, err := net.Dial(g.network, g.target)
	if err != nil {
		return
	}
	defer g.untrack(target)
	g.track(client, target)
	gone := make(chan struct{})
	var both sync.WaitGroup
	// The end of one direction with an error is the end of both.
	over := sync.OnceFunc(func() { close(gone) })
	both.Go(func() { g.relay(target, client, gone, over, g.waitReleased) })
	both.Go(func() { g.relay(client, target, gone, over, g.count) })
	both.Wait()
}

// relay copies from source to target, each piece after before has returned. It
// calls over if a connection fails.
func (g *Gate) relay(target, source net.Conn, gone <-chan struct{}, over func(), before func([]byte)) {
	buffer := make([]byte, piece)
	for {
		pace := g.currentPace()
		part := buffer
		if pace != nil {
			part = buffer[:slowPiece]
		}
		n, err := source.Read(part)
		if n > 0 {
			before(part[:n])
			pace.wait(n, gone)
			if _, err := target.Write(part[:n]); err != nil {
				over()
				_ = source.Close() // its data has no receiver any more
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
