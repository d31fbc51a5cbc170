package server

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Clients that send too slowly are disconnected: in the handshake, in a header, in a body
// and between two requests.
func TestSlowClients(t *testing.T) {
	both := newTLSConfigs(t)
	waits := timeouts{header: 300 * time.Millisecond, body: 600 * time.Millisecond, idle: 300 * time.Millisecond}
	port := serve(t, both.server, waits)
	stream := func(end bool, headers ...string) []byte {
		var block, text bytes.Buffer
		encoder := hpack.NewEncoder(&block)
		for i := 0; i < len(headers); i += 2 {
			_ = encoder.WriteField(hpack.HeaderField{Name: headers[i], Value: headers[i+1]})
		}
		text.WriteString(http2.ClientPreface)
		framer := http2.NewFramer(&text, nil)
		_ = framer.WriteSettings()
		_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: end})
		return text.Bytes()
	}
	request := []string{":method", "POST", ":scheme", "https", ":authority", "localhost", ":path", "/image"}
	oneByte := []byte{0, 0, 1, 0, 0, 0, 0, 0, 1, ' '} // a DATA frame of stream 1
	for name, client := range map[string]struct {
		protocol string // "": no TLS
		first    []byte // sent at once
		then     []byte // sent over and over again
	}{
		"a handshake, byte by byte":    {"", []byte{22, 3, 1, 2, 0, 1, 0, 1, 252}, []byte{0}},
		"a handshake without a word":   {"", nil, nil},
		"no request":                   {"http/1.1", nil, nil},
		"a header without an end":      {"http/1.1", []byte("GET /image HTTP/1.1\r\nHost: localhost\r\n"), []byte("X: y\r\n")},
		"a body, byte by byte":         {"http/1.1", []byte("POST /image HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"), []byte(" ")},
		"a body in chunks":             {"http/1.1", []byte("POST /image HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"), []byte("1\r\n \r\n")},
		"a body that nobody reads":     {"http/1.1", []byte("PUT /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"), []byte(" ")},
		"HTTP/2 without a request":     {"h2", []byte(http2.ClientPreface), nil},
		"HTTP/2 with half a header":    {"h2", stream(false, request...), nil},
		"HTTP/2, a header without end": {"h2", stream(false, request...), []byte{0, 0, 1, 9, 0, 0, 0, 0, 1, 0x82}}, // CONTINUATION
		"HTTP/2 with a body in pieces": {"h2", stream(true, request...), oneByte},
		"HTTP/2, nothing but pings":    {"h2", []byte(http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"), []byte("\x00\x00\x08\x06\x00\x00\x00\x00\x00ping ing")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := net.Dial("tcp", "localhost:"+port)
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			conn := raw
			if client.protocol != "" {
				config := both.client.Clone()
				config.NextProtos = []string{client.protocol}
				conn = tls.Client(raw, config)
			}
			if _, err := conn.Write(client.first); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() {
				_, err := io.Copy(io.Discard, conn)
				ended <- err
			}()
			drip := time.NewTicker(20 * time.Millisecond)
			defer drip.Stop()
			limit := time.NewTimer(defaultTimeouts.header)
			defer limit.Stop()
			for {
				select {
				case <-drip.C:
					_, _ = conn.Write(client.then) // fails when the server has had enough
				case err := <-ended:
					if errors.Is(err, os.ErrDeadlineExceeded) {
						t.Error(err)
					}
					return
				case <-limit.C:
					t.Fatal("the server still waits")
				}
			}
		})
	}
}
