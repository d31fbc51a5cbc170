package httpclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// closingConn is a connection as net/http leaves it when its read loop has closed it:
// writing fails with net.ErrClosed, and so does reading after the response.
type closingConn struct {
	net.Conn            // nil
	response  io.Reader // nil: no response; writing fails
	closed    chan struct{}
	closeOnce sync.Once
	written   chan struct{} // closed by the first write: a response before it is unsolicited
	writeOnce sync.Once
}

func (c *closingConn) fail(operation string) (int, error) {
	return 0, &net.OpError{Op: operation, Net: "tcp", Err: net.ErrClosed}
}

func (c *closingConn) Write(p []byte) (int, error) {
	if c.response == nil {
		return c.fail("write")
	}
	c.writeOnce.Do(func() { close(c.written) })
	return len(p), nil
}

func (c *closingConn) Read(p []byte) (int, error) {
	if c.response == nil {
		<-c.closed
		return 0, io.EOF
	}
	select {
	case <-c.written:
	case <-c.closed:
		return 0, io.EOF
	}
	if n, _ := c.response.Read(p); n > 0 {
		return n, nil
	}
	return c.fail("read")
}

func (c *closingConn) Close() error {
	c.closeOnce.Do(func() { close(c.closed) })
	return nil
}

// overClosing sends a request over a closingConn.
func overClosing(t *testing.T, ctx context.Context, response io.Reader) error {
	t.Helper()
	transport := New(Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		return &closingConn{response: response, closed: make(chan struct{}), written: make(chan struct{})}, nil
	}})
	defer transport.CloseIdleConnections()
	return put(t, ctx, &http.Client{Transport: transport}, "http://h.example.com/x", strings.NewReader("content"))
}

// put sends a request and reads its response.
func put(t *testing.T, ctx context.Context, client *http.Client, url string, body io.Reader) error {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url, body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}

// A connection that the peer closes is reported as such, and as an error of the
// network that is worth a retry.
func TestPeerClosedConnection(t *testing.T) {
	partly := "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"
	for want, response := range map[string]io.Reader{
		"connection closed by the peer while the request was sent":      nil,
		"connection closed by the peer while the response was received": strings.NewReader(partly),
	} {
		err := overClosing(t, t.Context(), response)
		var network net.Error
		if !errors.Is(err, syscall.ECONNRESET) || !errors.As(err, &network) || network.Timeout() {
			t.Errorf("the error is %v, want a lost connection", err)
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "use of closed") {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}

// A request that this side ended is not reported as the peer's doing.
func TestOwnEndIsNotThePeers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://h.example.com/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := explainClosed(request, "the request was sent", net.ErrClosed); got != net.ErrClosed {
		t.Errorf("the error is %v, want the same", got)
	}
}

// No shape of the error that a real connection gives, closed while the request is
// sent, names this side as the one that closed it.
func TestPeerClosesWhileRequestIsSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.CopyN(io.Discard, conn, 64<<10)
			_ = conn.Close()
		}
	})
	t.Cleanup(running.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	transport := New(Options{})
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	content := bytes.Repeat([]byte("content "), 2<<20)
	for range 50 {
		err := put(t, t.Context(), client, "http://"+listener.Addr().String(), bytes.NewReader(content))
		if err == nil || strings.Contains(err.Error(), "use of closed network connection") {
			t.Fatalf("the error is %v", err)
		}
	}
}
