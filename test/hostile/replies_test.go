//go:build stack

package hostile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/opensbs/sbs/api"
)

// ending records the error at the end of a stream.
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

// reply is a response of the server.
type reply struct {
	code    int
	content string // media type
	body    string
}

// problem returns what is wrong with a response, or "".
func (r reply) problem() string {
	for _, shown := range []string{"panic", "goroutine ", "runtime error", ".go:", "/volume/"} {
		if r.content != "application/x-ndjson" && !strings.HasPrefix(r.content, "text/plain; version") && strings.Contains(r.body, shown) {
			return fmt.Sprintf("the response has %q: %.500s", shown, r.body)
		}
	}
	switch {
	case r.code < 400:
		return ""
	case r.code == http.StatusNotImplemented, r.code == http.StatusHTTPVersionNotSupported:
		return "" // RFC 9112 requires these for unknown codings and versions
	case r.code == http.StatusServiceUnavailable && strings.HasPrefix(r.body, "Limit of concurrent requests reached"):
		return "" // the metrics limit concurrent requests
	case r.code >= 500:
		return fmt.Sprintf("code %d: %.500s", r.code, r.body)
	}
	var refusal api.Answer
	if r.content == "application/json" && r.body != "" && (json.Unmarshal([]byte(r.body), &refusal) != nil || refusal.Status == "" || refusal.Code == "") {
		return fmt.Sprintf("code %d without a status: %.500s", r.code, r.body)
	}
	if strings.HasPrefix(r.content, "text/plain") && (len(r.body) > 500 || strings.Count(strings.TrimSpace(r.body), "\n") > 0) {
		return fmt.Sprintf("code %d with more than one line: %.500s", r.code, r.body)
	}
	return ""
}

// readHTTP1 reads responses of HTTP/1.1 until there are no more.
func readHTTP1(stream io.Reader) (found []reply, over bool) {
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
			return append(found, reply{response.StatusCode, "", ""}), false
		}
		found = append(found, reply{response.StatusCode, response.Header.Get("Content-Type"), string(body)})
	}
}

// readHTTP2 reads responses of HTTP/2. They are over at a GOAWAY frame: the server
// closes the connection a second later.
func readHTTP2(stream io.Reader) (found []reply, over bool) {
	framer := http2.NewFramer(io.Discard, stream)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	streams := map[uint32]*reply{}
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
			got := &reply{code: code}
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
