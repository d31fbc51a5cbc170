//go:build stack

package hostile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Parts of requests. PUT /image is excluded: it would start a build. HEAD is in
// HTTP/2 only: in HTTP/1.1 its response can't be parsed without the request.
var (
	methods = []string{"GET", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "G\x00T", "PRI", strings.Repeat("M", 300)}
	paths   = []string{
		"/image", "/log/build", "/manifest", "/publickey", "/imagedigest", "/config-json", "/config-python", "/state-image",
		"/builds", "/attestation", "/metrics", "/events", "/lookaside/sbs/hostile@sha256=00/signature-1",
	}
	wrongPaths = []string{
		"/log/..%2f..%2fjob.json", "/log/%2e%2e%2fjob.json", "/log/../../etc/passwd", "/log/build%00", "/log/" + strings.Repeat("a", 5000),
		"/lookaside/../../sealed/parameters", "/lookaside/%2e%2e/%2e%2e/sealed/manifest/key", "/lookaside//etc/passwd", "/lookaside/..\\..\\job.json",
		"/builds?limit=-1", "/builds?limit=99999999999999999999", "/builds?before=../../job.json", "/builds?limit=%zz", "/builds?%00", "/builds?before=" + strings.Repeat("9", 5000),
		"/attestation?nonce=", "/attestation?nonce=%ff%fe", "/attestation?nonce=AAAA&nonce=BBBB", "//image", "/image/", "/./image", "*", "http://127.0.0.1:1/image", "/%", "?", "/\xff\xfe",
	}
	bodies = []string{
		`""`, `{}`, ``, `null`, `[`, `{"BUILD_NAME":"../../job.json"}`, `{"BUILD_NAME":"/etc/passwd"}`, `{"BUILD_NAME":"x\u0000y"}`, `{"BUILD_NAME":["a"]}`,
		`{"BUILD_NAME":"127.0.0.1.sbs.hostile.2026-01-01_00-00-00.000000"}`, `{"GITHUB_URL":"ext::sh -c id","SECRET":"x"}`, `{"GITHUB_URL":"--upload-pack=id"}`,
		`{"DOCKERFILE_PATH":"../../../etc/passwd"}`, `{"secret":"x","state":"////"}`, `{"secret":1}`, `{"state_bucket_name":"../x"}`, `{"state":"` + strings.Repeat("A", 3000) + `"}`,
		strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 11_000), `{"SECRET":"` + "\xff\xfe\x00" + `"}`, `{"SECRET":"a","SECRET":"b"}`, `1e999999`, `"\ud800"`,
	}
	headers = []string{
		"Transfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding : chunked\r\n", "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding:\x0bchunked\r\n",
		"Content-Length: 0\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: -1\r\n", "Content-Length: +3\r\n", "Content-Length: 99999999999999999999\r\n", "Content-Length: 0x10\r\n",
		"Host: a\r\nHost: b\r\n", "Host:\r\n", "Host: \x00\r\n", "Host: evil.example.com/../\r\n", " folded: yes\r\n", "No-Colon\r\n", ": empty\r\n", "X\x00Y: z\r\n",
		"Expect: 100-continue\r\n", "Expect: miracles\r\n", "Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n", "Connection: close, keep-alive\r\n",
		"Range: bytes=0-,0-,0-\r\n", "Content-Encoding: gzip\r\n", "Trailer: Content-Length\r\n", "X: " + strings.Repeat("y", 30_000) + "\r\n", strings.Repeat("A: b\r\n", 2000), "Accept-Encoding: gzip;q=" + strings.Repeat("9", 1000) + "\r\n",
	}
	chunks = []string{"0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "-1\r\n", "fffffffffffffffff\r\n", "5;" + strings.Repeat("e", 5000) + "\r\nhello\r\n", "5\nhello\n0\n\n", "5\r\nhelloX\r\n", "0\r\nContent-Length: 7\r\n\r\n", "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"}
)

// method returns GET in half of the cases, else any method.
func method(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		return "GET"
	}
	return one(r, methods)
}

func one[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// http1Request returns a request of HTTP/1.1, which in most cases is invalid.
func http1Request(r *rand.Rand) []byte {
	path, body, version := one(r, paths), one(r, bodies), "HTTP/1.1"
	if r.IntN(3) == 0 {
		path = one(r, wrongPaths)
	}
	if r.IntN(10) == 0 {
		version = one(r, []string{"HTTP/1.0", "HTTP/9.9", "HTTP/2.0", "http/1.1", "HTTP/1.1 x", ""})
	}
	text := fmt.Sprintf("%s %s %s\r\nHost: localhost\r\n", method(r), path, version)
	for range r.IntN(3) {
		text += one(r, headers)
	}
	if r.IntN(4) == 0 {
		text += "Transfer-Encoding: chunked\r\n\r\n" + one(r, chunks)
	} else {
		text += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body)+one(r, []int{0, 0, 0, -1, 1, 1000}), body)
	}
	return mutated(r, []byte(text))
}

// http2Request returns frames of HTTP/2.
func http2Request(r *rand.Rand) []byte {
	var out bytes.Buffer
	framer := http2.NewFramer(&out, nil)
	framer.AllowIllegalWrites = true
	settings := []http2.Setting{{ID: http2.SettingID(r.IntN(10)), Val: r.Uint32() >> r.IntN(32)}}
	_ = framer.WriteSettings(settings[:one(r, []int{0, 0, 0, 1})]...)
	for stream := uint32(1); stream < 8; stream += 2 {
		if r.IntN(8) == 0 {
			stream -= 2 // even, or used before
		}
		var block bytes.Buffer
		encoder := hpack.NewEncoder(&block)
		for _, field := range [][2]string{{":method", one(r, []string{method(r), "HEAD"})}, {":path", one(r, append(wrongPaths, paths...))}, {":scheme", "https"}, {":authority", "localhost"},
			{one(r, []string{"content-length", "transfer-encoding", "connection", "te", "Upper", ":status", ":path", "", "x\n", "cookie"}), one(r, []string{"1", "chunked", "x\r\ny: z", "-5", strings.Repeat("z", 20_000)})}} {
			if r.IntN(12) > 0 && field[1] != "PUT" {
				_ = encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
			}
		}
		_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes()[:min(block.Len(), 16<<10)], EndHeaders: r.IntN(8) > 0, EndStream: r.IntN(2) == 0, PadLength: uint8(r.IntN(3))})
		switch r.IntN(8) {
		case 0:
			_ = framer.WriteRSTStream(stream, http2.ErrCode(r.IntN(20)))
		case 1:
			_ = framer.WriteWindowUpdate(stream, r.Uint32())
		case 2:
			_ = framer.WriteContinuation(stream, true, []byte{0xff, 0xff})
		case 3:
			_ = framer.WriteRawFrame(http2.FrameType(r.IntN(256)), http2.Flags(r.IntN(256)), r.Uint32(), []byte(one(r, bodies)))
		default:
			_ = framer.WriteData(stream, true, []byte(one(r, bodies)))
		}
	}
	return append([]byte(http2.ClientPreface), mutated(r, out.Bytes())...)
}

// mutated changes the bytes of a request up to two times.
func mutated(r *rand.Rand, text []byte) []byte {
	for range r.IntN(3) {
		if len(text) < 2 {
			return text
		}
		from := r.IntN(len(text))
		until := min(len(text), from+1+r.IntN(16))
		switch r.IntN(5) {
		case 0:
			text[from] ^= byte(1 << r.IntN(8))
		case 1:
			text = append(text[:from:from], text[until:]...)
		case 2:
			text = append(text[:until:until], text[from:]...)
		case 3:
			random := make([]byte, 1+r.IntN(8))
			for i := range random {
				random[i] = byte(r.Uint32())
			}
			text = append(text[:from:from], append(random, text[from:]...)...)
		case 4:
			text = bytes.Replace(text, []byte("\r\n"), []byte(one(r, []string{"\n", "\r", "\r\n ", "\r\n\r\n", "\x00"})), 1+r.IntN(2))
		}
	}
	return text
}
