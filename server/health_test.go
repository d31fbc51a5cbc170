package server

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
)

func TestHealthAddressIsLoopback(t *testing.T) {
	for address, fine := range map[string]bool{
		"127.0.0.1:0": true, "[::1]:80": true, "127.8.8.8:80": true,
		":80": false, "0.0.0.0:80": false, "10.0.0.1:80": false, "[::]:80": false, "localhost:80": false, "127.0.0.1": false, "": false,
	} {
		if err := CheckHealthAddress(address); (err == nil) != fine {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestHealth(t *testing.T) {
	f := newFixture(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.ServeHealth(ctx, listener) }()
	ask := func(method, path string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+listener.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	if code, body := ask("GET", "/healthz"); code != http.StatusOK || body != "OK\n" {
		t.Errorf("got %d %s", code, body)
	}
	for method, path := range map[string]string{"POST": "/healthz", "GET": "/image", "PUT": "/metrics"} {
		if code, _ := ask(method, path); code != http.StatusMethodNotAllowed && code != http.StatusNotFound {
			t.Errorf("%s %s: got %d", method, path, code)
		}
	}
	if err := os.RemoveAll(f.dir); err != nil {
		t.Fatal(err)
	}
	if code, _ := ask("GET", "/healthz"); code != http.StatusServiceUnavailable {
		t.Errorf("without a volume it is healthy: %d", code)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestMetricsCountRequests(t *testing.T) {
	f := newFixture(t)
	f.mustReturn("GET", "/log/other", `""`, http.StatusNotFound)
	f.mustReturn("GET", "/nothing/"+secret, `""`, http.StatusNotFound)
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	reply := f.request("GET", "/metrics", "")
	for _, line := range []string{
		`sbs_http_requests_total{code="404",method="GET",route="/log/{name}"} 1`,
		`sbs_http_requests_total{code="404",method="any",route="none"} 1`,
		`sbs_http_requests_total{code="200",method="POST",route="/image"} 1`,
		`sbs_http_sent_bytes_total{route="/image"} 16`,
	} {
		if !bytes.Contains(reply.Body.Bytes(), []byte(line+"\n")) {
			t.Errorf("no %s in %s", line, reply.Body)
		}
	}
	for _, hidden := range []string{secret, "namespace", "pass-word", "nothing"} {
		if bytes.Contains(reply.Body.Bytes(), []byte(hidden)) {
			t.Errorf("the metrics contain %q", hidden)
		}
	}
}
