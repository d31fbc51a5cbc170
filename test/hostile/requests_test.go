//go:build stack

package hostile

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
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

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/kit"
)

// requests is how many malformed requests are sent, and workers how many at once.
const requests, workers = 10_000, 16

// maxLine bounds what one answered request adds to the log, in bytes.
const maxLine = 2 << 10

// The client itself, gone mad: whatever it sends, it gets an answer that the
// protocol knows, or none and the end of the connection; and the server is as it
// was before.
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
	before, since := env.held(t), len(env.log(t, 0))
	var answers, refusals atomic.Int64
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(worker)))
			one, two := env.tls("http/1.1", env.client), env.tls("h2", env.client)
			for number := range requests / workers {
				var text []byte
				var got []answer
				var err error
				if number%4 == 0 {
					text = request2(r)
					got, err = env.send(two, text, answers2)
				} else {
					text = request1(r)
					got, err = env.send(one, text, answers1)
				}
				if err != nil {
					t.Errorf("worker %d, number %d: %v: %.300q", worker, number, err, text)
				}
				for _, answer := range got {
					if problem := answer.problem(); problem != "" {
						t.Errorf("worker %d, number %d: %s: %.300q", worker, number, problem, text)
					}
					answers.Add(1)
					if answer.code >= 400 {
						refusals.Add(1)
					}
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d answers to %d requests, %d of them refusals", answers.Load(), requests, refusals.Load())
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
	if most := int(answers.Load()) + 2*requests; lines > most {
		t.Errorf("%d lines are logged, want %d at most", lines, most)
	}
	env.MustBuild(t) // it still can
}

// send sends a text over a connection of its own, says that it has said all, and
// reads what is answered until the end. That there is no end is an error.
func (env *environment) send(config *tls.Config, text []byte, read func(io.Reader) (found []answer, over bool)) ([]answer, error) {
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
		// Fails when the server has had enough before all is said.
		_, _ = conn.Write(text)
		_ = conn.CloseWrite()
	}()
	ended := &ending{Reader: conn}
	answers, over := read(ended)
	if over {
		return answers, nil
	}
	_, _ = io.Copy(io.Discard, ended) // how it ends is noted
	if errors.Is(ended.err, os.ErrDeadlineExceeded) {
		return answers, errors.New("the server did not end the connection")
	}
	return answers, nil
}

// ending remembers how a stream ended.
type ending struct {
	io.Reader
	err error
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if err != nil {
		e.err = err
	}
	return n, err
}

// answer is what the server answered.
type answer struct {
	code    int
	content string // its type
	body    string
}

// problem says what is wrong with an answer, or "".
func (a answer) problem() string {
	for _, shown := range []string{"panic", "goroutine ", "runtime error", ".go:", "/volume/"} {
		if a.content != "application/x-ndjson" && !strings.HasPrefix(a.content, "text/plain; version") && strings.Contains(a.body, shown) {
			return fmt.Sprintf("the answer shows %q: %.500s", shown, a.body)
		}
	}
	switch {
	case a.code < 400:
		return ""
	case a.code == http.StatusNotImplemented, a.code == http.StatusHTTPVersionNotSupported:
		return "" // what RFC 9112 wants for codings and versions that are not known
	case a.code == http.StatusServiceUnavailable && strings.HasPrefix(a.body, "Limit of concurrent requests reached"):
		return "" // of the metrics, which only so many read at once
	case a.code >= 500:
		return fmt.Sprintf("code %d: %.500s", a.code, a.body)
	}
	var refusal api.Answer
	if a.content == "application/json" && a.body != "" && (json.Unmarshal([]byte(a.body), &refusal) != nil || refusal.Status == "" || refusal.Code == "") {
		return fmt.Sprintf("code %d without a status: %.500s", a.code, a.body)
	}
	if strings.HasPrefix(a.content, "text/plain") && (len(a.body) > 500 || strings.Count(strings.TrimSpace(a.body), "\n") > 0) {
		return fmt.Sprintf("code %d with more than a line: %.500s", a.code, a.body)
	}
	return ""
}

// answers1 are those of HTTP/1.1.
func answers1(stream io.Reader) (found []answer, over bool) {
	buffered := bufio.NewReader(stream)
	for {
		response, err := http.ReadResponse(buffered, nil)
		if err != nil {
			return found, false
		}
		body, err := io.ReadAll(response.Body)
		if response.StatusCode == http.StatusContinue {
			continue
		}
		if err != nil {
			return append(found, answer{response.StatusCode, "", ""}), false
		}
		found = append(found, answer{response.StatusCode, response.Header.Get("Content-Type"), string(body)})
	}
}

// answers2 are those of HTTP/2. They are over when the server says that it goes
// away: it closes the connection a second later.
func answers2(stream io.Reader) (found []answer, over bool) {
	framer := http2.NewFramer(io.Discard, stream)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	streams := map[uint32]*answer{}
	bodies := map[uint32]*bytes.Buffer{}
	for {
		frame, err := framer.ReadFrame()
		if _, over = frame.(*http2.GoAwayFrame); err != nil || over {
			break
		}
		id := frame.Header().StreamID
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			code, _ := strconv.Atoi(frame.PseudoValue("status"))
			got := &answer{code: code}
			for _, field := range frame.RegularFields() {
				if field.Name == "content-type" {
					got.content = field.Value
				}
			}
			streams[id], bodies[id] = got, &bytes.Buffer{}
		case *http2.DataFrame:
			if body := bodies[id]; body != nil {
				body.Write(frame.Data())
			}
		}
	}
	for id, got := range streams {
		got.body = bodies[id].String()
		found = append(found, *got)
	}
	return found, over
}

// A body or a header without an end is refused after what the server takes of it,
// not when its sender gets tired.
func TestEndlessRequests(t *testing.T) {
	env := shared
	before := env.held(t)
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
			// What lies in the sockets counts as sent.
			if total := <-sent; total > api.MaxStateBody+16<<20 {
				t.Errorf("the server took %d bytes", total)
			}
		})
	}
	env.nothingLeft(t, before)
}
