//go:build stack

package hostile

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/kit"
)

// requests is the number of malformed requests, and workers that of connections at a
// time.
const requests, workers = 10_000, 16

// maxLine bounds the log entry of one request, in bytes.
const maxLine = 2 << 10

// Malformed requests with the client's certificate: each gets a response of the
// protocol, or the server closes the connection; and the server needs no more
// resources than before.
func TestMalformedRequests(t *testing.T) {
	env := shared
	seed := rand.Uint64()
	if given := os.Getenv("SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%d", seed)
	env.prepare(t)
	env.MustBuild(t)
	before, since := env.resources(t), len(env.log(t, 0))
	var replies, refusals atomic.Int64
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(worker)))
			one, two := env.tls("http/1.1", env.client), env.tls("h2", env.client)
			for number := range requests / workers {
				var text []byte
				var got []reply
				var err error
				if number%4 == 0 {
					text = http2Request(r)
					got, err = env.send(two, text, readHTTP2)
				} else {
					text = http1Request(r)
					got, err = env.send(one, text, readHTTP1)
				}
				if err != nil {
					t.Errorf("worker %d, number %d: %v: %.300q", worker, number, err, text)
				}
				for _, reply := range got {
					if problem := reply.problem(); problem != "" {
						t.Errorf("worker %d, number %d: %s: %.300q", worker, number, problem, text)
					}
					replies.Add(1)
					if reply.code >= 400 {
						refusals.Add(1)
					}
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d responses to %d requests, %d of them refusals", replies.Load(), requests, refusals.Load())
	if refusals.Load() < requests/4 {
		t.Error("most of the requests were not malformed")
	}
	env.nothingLeft(t, before)
	lines := 0
	for line := range strings.Lines(env.log(t, since)) {
		lines++
		if len(line) > maxLine || strings.Contains(line, "panic") || strings.Contains(line, `"level":"ERROR"`) {
			t.Errorf("logged: %.500s", line)
		}
	}
	if most := int(replies.Load()) + 2*requests; lines > most {
		t.Errorf("%d lines are logged, want %d at most", lines, most)
	}
	env.MustBuild(t) // the server still builds
}

// send sends a request over a new connection, closes its side, and reads responses
// until the server closes the connection, which it must, or read returns over.
func (env *environment) send(config *tls.Config, text []byte, read func(io.Reader) (found []reply, over bool)) ([]reply, error) {
	raw, err := net.Dial("tcp", env.address)
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	if err := raw.SetDeadline(time.Now().Add(kit.Timeout)); err != nil {
		return nil, err
	}
	conn := tls.Client(raw, config)
	if err := conn.Handshake(); err != nil {
		return nil, err
	}
	go func() {
		// Fails if the server closes the connection before all is sent.
		_, _ = conn.Write(text)
		_ = conn.CloseWrite()
	}()
	ended := &ending{Reader: conn}
	replies, over := read(ended)
	if over {
		return replies, nil
	}
	_, _ = io.Copy(io.Discard, ended) // ended records the error
	if errors.Is(ended.err, os.ErrDeadlineExceeded) {
		return replies, errors.New("the server did not close the connection")
	}
	return replies, nil
}

// A body or a header without an end is refused when it exceeds the server's limit,
// before the client has finished it.
func TestEndlessRequests(t *testing.T) {
	env := shared
	before := env.resources(t)
	for name, request := range map[string]struct {
		head, piece string
		code        int
	}{
		"body in chunks":     {"POST /image HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "10000\r\n" + strings.Repeat(" ", 1<<16) + "\r\n", http.StatusRequestEntityTooLarge},
		"body of a terabyte": {"POST /image HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1099511627776\r\n\r\n", strings.Repeat(" ", 1<<16), http.StatusRequestEntityTooLarge},
		"state image":        {"POST /state-image HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1099511627776\r\n\r\n", strings.Repeat(" ", 1<<16), http.StatusRequestEntityTooLarge},
		"header":             {"GET /image HTTP/1.1\r\nHost: localhost\r\nX: ", strings.Repeat("x", 1<<16), http.StatusRequestHeaderFieldsTooLarge},
		"many headers":       {"GET /image HTTP/1.1\r\nHost: localhost\r\n", strings.Repeat("X: y\r\n", 1<<13), http.StatusRequestHeaderFieldsTooLarge},
		"request line":       {"GET /", strings.Repeat("x", 1<<16), http.StatusRequestHeaderFieldsTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := tls.Dial("tcp", env.address, env.tls("http/1.1", env.client))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(kit.Timeout)); err != nil {
				t.Fatal(err)
			}
			sent := make(chan int, 1)
			go func() {
				total, err := conn.Write([]byte(request.head))
				for err == nil {
					var n int
					n, err = conn.Write([]byte(request.piece))
					total += n
				}
				sent <- total
			}()
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != request.code {
				t.Errorf("code %d, want %d", response.StatusCode, request.code)
			}
			// Bytes in the socket buffers count as sent.
			if total := <-sent; total > api.MaxStateBody+16<<20 {
				t.Errorf("the server accepted %d bytes", total)
			}
		})
	}
	env.nothingLeft(t, before)
}
