package manifest

import (
	"context"
	"io"
	"runtime"

	"github.com/opensbs/sbs/api/manifest/bzip2"
)

// maxWorkers bounds the memory that compressing takes: each worker needs about
// 11 MB for streams of 900,000 bytes, two of them about 25 MB in all, four 45 MB.
const maxWorkers = 4

// compressor is a bzip2 writer that compresses streams of streamSize bytes on
// all cores and writes them in order. Its buffers and encoders are made once and
// go round, so that it takes the same memory for any input.
type compressor struct {
	ctx        context.Context // io.Writer has no other parameter for it
	streamSize int
	pending    *stream             // takes the input; nil between streams
	idle       chan *stream        // streams whose buffers are free
	queue      chan *stream        // in order of the input
	encoders   chan *bzip2.Encoder // those that are free: one for each worker
	done       chan error          // the writing goroutine's result
}

// stream is the memory of one stream.
type stream struct {
	input, output []byte
	compressed    chan struct{} // gets a value when output is there
}

// newCompressor starts a compressor onto w. Close must be called, also after an
// error; when ctx ends, Write fails.
func newCompressor(ctx context.Context, w io.Writer, streamSize int) *compressor {
	workers := min(runtime.GOMAXPROCS(0), maxWorkers)
	streams := workers + 1 // one more, so that reading goes on while all workers work
	c := &compressor{
		ctx:        ctx,
		streamSize: streamSize,
		idle:       make(chan *stream, streams),
		queue:      make(chan *stream, streams),
		encoders:   make(chan *bzip2.Encoder, workers),
		done:       make(chan error, 1),
	}
	for range workers {
		c.encoders <- new(bzip2.Encoder)
	}
	for range streams {
		c.idle <- &stream{compressed: make(chan struct{}, 1)}
	}
	go func() { c.done <- c.drain(w) }()
	return c
}

// drain writes the streams in order. After an error it goes on receiving, so
// that Write does not wait for ever.
func (c *compressor) drain(w io.Writer) (failed error) {
	for s := range c.queue {
		<-s.compressed
		if failed == nil {
			_, failed = w.Write(s.output)
		}
		c.idle <- s
	}
	return failed
}

func (c *compressor) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		if c.pending == nil {
			if err := c.begin(); err != nil {
				return 0, err
			}
		}
		s := c.pending
		n := min(len(p), c.streamSize-len(s.input))
		s.input = append(s.input, p[:n]...)
		p = p[n:]
		if len(s.input) == c.streamSize {
			c.dispatch()
		}
	}
	return written, nil
}

// begin waits for memory for the next stream.
func (c *compressor) begin() error {
	select {
	case s := <-c.idle:
		if s.input == nil {
			s.input = make([]byte, 0, c.streamSize)
			s.output = make([]byte, 0, c.streamSize+c.streamSize/64) // incompressible input grows by less
		}
		s.input = s.input[:0]
		c.pending = s
		return nil
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
}

// dispatch hands the pending stream to the next free worker.
func (c *compressor) dispatch() {
	s := c.pending
	c.pending = nil
	c.queue <- s // has capacity for every stream
	go func() {
		encoder := <-c.encoders
		s.output = encoder.AppendStream(s.output[:0], s.input)
		c.encoders <- encoder
		s.compressed <- struct{}{}
	}()
}

// Close writes what is pending and waits for every worker.
func (c *compressor) Close() error {
	if c.pending != nil {
		c.dispatch()
	}
	close(c.queue)
	return <-c.done
}
