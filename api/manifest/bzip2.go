package manifest

import (
	"bytes"
	"context"
	"io"
	"runtime"

	"github.com/dsnet/compress/bzip2"
)

// streamSize is how many bytes of input each bzip2 stream holds. It is the
// block size of bzip2 -9, so nothing is lost by ending a stream there, and it is
// part of the format: another size would give other bytes.
const streamSize = 900_000

// maxWorkers bounds the memory that compressing takes: each worker needs about
// 12 MB.
const maxWorkers = 8

// compressor is a bzip2 writer that compresses streams of streamSize bytes on
// all cores and writes them in order.
type compressor struct {
	ctx     context.Context
	pending []byte
	queue   chan chan compressed // in order of the input; its capacity is the number of workers
	done    chan error           // the writing goroutine's result
	fresh   chan *bzip2.Writer   // idle compressors, to be used again
}

type compressed struct {
	data []byte
	err  error
}

// newCompressor starts a compressor onto w. Close must be called, also after an
// error; when ctx ends, Write fails.
func newCompressor(ctx context.Context, w io.Writer) *compressor {
	workers := min(runtime.GOMAXPROCS(0), maxWorkers)
	c := &compressor{
		ctx:     ctx,
		pending: make([]byte, 0, streamSize),
		queue:   make(chan chan compressed, workers),
		done:    make(chan error, 1),
		fresh:   make(chan *bzip2.Writer, workers),
	}
	go func() { c.done <- drain(c.queue, w) }()
	return c
}

// drain writes the streams in order. After an error it goes on receiving, so
// that no worker waits for ever.
func drain(queue <-chan chan compressed, w io.Writer) (failed error) {
	for stream := range queue {
		result := <-stream
		if failed == nil {
			failed = result.err
		}
		if failed == nil {
			_, failed = w.Write(result.data)
		}
	}
	return failed
}

func (c *compressor) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		n := min(len(p), streamSize-len(c.pending))
		c.pending = append(c.pending, p[:n]...)
		p = p[n:]
		if len(c.pending) == streamSize {
			if err := c.dispatch(); err != nil {
				return 0, err
			}
		}
	}
	return written, nil
}

// dispatch hands the pending input to a worker.
func (c *compressor) dispatch() error {
	stream := make(chan compressed, 1)
	select {
	case c.queue <- stream:
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
	input := c.pending
	c.pending = make([]byte, 0, streamSize)
	go func() {
		data, err := c.compress(input)
		stream <- compressed{data, err}
	}()
	return nil
}

func (c *compressor) compress(input []byte) ([]byte, error) {
	var out bytes.Buffer
	var w *bzip2.Writer
	select {
	case w = <-c.fresh:
		if err := w.Reset(&out); err != nil {
			return nil, err
		}
	default:
		var err error
		if w, err = bzip2.NewWriter(&out, &bzip2.WriterConfig{Level: bzip2.BestCompression}); err != nil {
			return nil, err
		}
	}
	if _, err := w.Write(input); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	select {
	case c.fresh <- w:
	default:
	}
	return out.Bytes(), nil
}

// Close writes what is pending and waits for every worker.
func (c *compressor) Close() error {
	var failed error
	if len(c.pending) > 0 {
		failed = c.dispatch()
	}
	close(c.queue)
	if err := <-c.done; failed == nil {
		failed = err
	}
	return failed
}
