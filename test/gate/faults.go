//go:build stack

package gate

import (
	"sync"
	"time"
)

// cut is a number of bytes after which the gate goes down.
type cut struct {
	left int64
	done chan struct{} // closed when it has happened
}

// CutAfter takes the gate down when the target has said that many bytes more, on
// all connections together. The channel is closed then.
func (g *Gate) CutAfter(bytes int64) (happened <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cut = &cut{bytes, make(chan struct{})}
	return g.cut.done
}

// count takes note of what the target said.
func (g *Gate) count(text []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cut == nil {
		return
	}
	if g.cut.left -= int64(len(text)); g.cut.left > 0 {
		return
	}
	_ = g.shut() // the next Down says what was wrong
	close(g.cut.done)
	g.cut = nil
}

// Slow lets that many bytes through in a second, both ways together; 0 lets all
// of them through again.
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

// pace says when the next bytes may pass.
type pace struct {
	rate int // bytes per second

	mu   sync.Mutex
	free time.Time // when all that was let through has passed
}

// wait returns when n bytes have had their time, or the connection is gone.
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
