// Package channel bounds the requests of one signature: they end with the
// caller's context, each within a time of its own, and no answer is larger than
// was said. The libraries that signers stand on take a RoundTripper and no
// context, so the context comes in here.
//
// It trusts no server, and sends nothing that its owner's check refuses. It
// holds no credentials and never logs.
package channel

import (
	"context"
	"io"
	"net/http"
	"time"
)

// requestTime bounds one request, its answer's body included.
const requestTime = 30 * time.Second

// Bounded is a RoundTripper for all requests of one signature, token requests
// and redirects included. It lives as long as that, and so does its context.
type Bounded struct {
	ctx       context.Context
	base      http.RoundTripper
	maxAnswer int64
	check     func(*http.Request) error
}

// New bounds base by ctx and answers' bodies to maxAnswer bytes. check sees each
// request before it is sent; its error is the request's.
func New(ctx context.Context, base http.RoundTripper, maxAnswer int64, check func(*http.Request) error) *Bounded {
	return &Bounded{ctx: ctx, base: base, maxAnswer: maxAnswer, check: check}
}

// RoundTrip ends with either context: the owner's or the request's own.
func (b *Bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := b.check(request); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(b.ctx, requestTime)
	stop := context.AfterFunc(request.Context(), cancel)
	release := func() { stop(); cancel() }
	response, err := b.base.RoundTrip(request.WithContext(ctx))
	if err != nil {
		release()
		return nil, err
	}
	response.Body = &body{http.MaxBytesReader(nil, response.Body, b.maxAnswer), release}
	return response, nil
}

// body frees the request's timer when it is closed.
type body struct {
	io.ReadCloser
	release func()
}

func (b *body) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
