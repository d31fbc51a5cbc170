package httpclient

import (
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
)

// Transport is an http.Transport whose errors name the peer when it closes the
// connection during a request. [New] makes it.
type Transport struct{ *http.Transport }

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.Transport.RoundTrip(request)
	if err != nil {
		return nil, explainClosed(request, "the request was sent", err)
	}
	response.Body = &responseBody{response.Body, request}
	return response, nil
}

// closedError replaces net.ErrClosed. When the peer closes a connection, net/http's
// read loop closes it on this side too. If the write loop is still sending then, or
// the response is still being read, its error reads as if this side had closed it.
type closedError struct {
	during string
	err    error
}

// explainClosed returns a *closedError for net.ErrClosed, and otherwise err. A request
// that this side ended, with its context, keeps its error.
func explainClosed(request *http.Request, during string, err error) error {
	if !errors.Is(err, net.ErrClosed) || request.Context().Err() != nil {
		return err
	}
	return &closedError{during, err}
}

func (e *closedError) Error() string {
	return "connection closed by the peer while " + e.during
}

// Unwrap returns syscall.ECONNRESET too, so that callers and libraries treat the error
// like any other lost connection.
func (e *closedError) Unwrap() []error { return []error{syscall.ECONNRESET, e.err} }

// Timeout and Temporary make it a net.Error. The request may succeed on another
// connection.
func (*closedError) Timeout() bool   { return false }
func (*closedError) Temporary() bool { return true }

// responseBody explains the errors of a response's body.
type responseBody struct {
	io.ReadCloser
	request *http.Request
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = explainClosed(b.request, "the response was received", err)
	}
	return n, err
}
