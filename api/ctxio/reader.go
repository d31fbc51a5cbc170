package ctxio

import (
	"context"
	"io"
)

// Reader returns a reader of r that fails with the cause of ctx as soon as that has
// ended. It is for one call, whose context it holds.
func Reader(ctx context.Context, r io.Reader) io.Reader { return reader{ctx, r} }

type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
