//go:build stack

package gate

import (
	"sync"
	"time"
)

// cut is a number of bytes after which the gate goes down.
type cut struct {
	left int64
	done chan struct{} // closed when the gate is down
}

// CutAfter takes the gate down when the target has sent that many more bytes, on
// all connections together. The returned channel is closed then.
func (g *Gate) CutAfter(bytes int64) (happened <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cut = &cut{bytes, make(chan struct{})}
	return g.cut.done
}

// count counts data of the target for CutAfter.
func (g *Gate) count(data []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cut == nil {
		return
	}
	if g.cut.left -= int64(len(data)); g.cut.left > 0 {
		return
	}
	_ = g.closeLocked() // the next Down returns the error
	close(g.cut.done)
	g.cut = nil
}

// Slow limits the rate of both directions together; 0 removes the limit.
func (g *Gate) Slow(bytesPerSecond int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pace = nil
	if bytesPerSecond > 0 {
		g.pace = &pace{rate: bytesPerSecond}
	}
}

func (g *Gate) currentPace() *pace {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pace
}

// pace is a rate limit of all connections.
type pace struct {
	rate int // bytes per second

	mu   sync.Mutex
	free time.Time // when all bytes so far have passed at this rate
}

// wait waits until n more bytes have passed at this rate, or the connection ends.
func (p *pace) wait(n int, gone <-chan struct{}) {
	if p == nil {
		return
	}
	p.mu.Lock()
	if now := time.Now(); p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
	timer := time.NewTimer(time.Until(p.free))
	p.mu.Unlock()
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-gone:
	}
}
