//go:build stack

package source

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/server/progress"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// proxy starts an HTTPS reverse proxy for the stack's server. It calls see with each
// request, and forwards the request unless see has handled it. It returns a request that
// trusts the proxy, and its URL.
func (s stack) proxy(t *testing.T, see func(http.ResponseWriter, *http.Request) (done bool)) (Request, string) {
	t.Helper()
	trusted, err := newAuthorities(Anchors{CABundle: s.CABundle()})
	if err != nil {
		t.Fatal(err)
	}
	backend, err := url.Parse(s.HTTPSURL(""))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(backend)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted.all}}
	proxy.Transport = transport
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !see(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() { server.Close(); transport.CloseIdleConnections() })
	request := Request{Depth: 1, Anchors: Anchors{CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})}}
	return request, server.URL
}

// Paths with escaped characters are the same in every request.
func TestEscapedPaths(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	redirect, first := s.proxy(t, func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, s.HTTPSURL("")+strings.TrimPrefix(r.URL.RequestURI(), "/"), http.StatusMovedPermanently)
		return true
	})
	redirect.CABundle = append(redirect.CABundle, s.CABundle()...)
	for name, escaped := range map[string]string{"c#.git": "c%23.git", "a%b.git": "a%25b.git", "what?.git": "what%3F.git", "a b.git": "a%20b.git"} {
		commit := s.create(t, name, map[string]gitserver.File{"a": {Content: name}})
		for _, slashes := range []string{"", "/", "//"} {
			request := s.https(escaped + slashes)
			if _, checkout := clone(t, request); checkout.Commit != commit {
				t.Errorf("%s: %s", request.URL, checkout.Commit)
			}
		}
		redirect.URL = first + "/" + escaped
		if _, checkout := clone(t, redirect); checkout.Commit != commit {
			t.Errorf("%s: %s", redirect.URL, checkout.Commit)
		}
		if _, checkout := clone(t, s.ssh(escaped+"/")); checkout.Commit != commit {
			t.Errorf("%s over SSH: %s", name, checkout.Commit)
		}
	}
}

// A server that refuses a client without multi_ack, as Azure DevOps does.
func TestMultiAckIsOffered(t *testing.T) {
	s := newStack(t, gitserver.Options{Version0: true})
	s.create(t, "one.git", sample("1"))
	request, address := s.proxy(t, func(w http.ResponseWriter, r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err != nil || r.Method == http.MethodPost && !bytes.Contains(body, []byte("multi_ack")) {
			http.Error(w, "multi_ack is required", http.StatusBadRequest)
			return true
		}
		return false
	})
	request.URL = address + "/one.git"
	clone(t, request)
}

// A commit of no branch, from a server with git's default settings.
func TestCommitOfNoBranch(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("1"))
	lost := s.commit(t, "one.git", gitserver.Change{Branch: "lost", Files: sample("lost")})
	s.git(t, "one.git", "", "update-ref", "-d", "refs/heads/lost")
	for _, request := range []Request{s.ssh("one.git"), s.https("one.git")} {
		request.Reference = lost
		dir, _ := clone(t, request)
		audit(t, dir, lost)
	}
}

func TestVersion0(t *testing.T) {
	s := newStack(t, gitserver.Options{Version0: true})
	first := s.create(t, "one.git", sample("1"))
	second := s.commit(t, "one.git", gitserver.Change{Files: sample("2")})
	for _, request := range []Request{s.ssh("one.git"), s.https("one.git")} {
		for reference, commit := range map[string]string{"": second, "main": second, first: first} {
			request.Reference = reference
			dir, checkout := clone(t, request)
			if checkout.Commit != commit {
				t.Errorf("%q is %s", reference, checkout.Commit)
			}
			audit(t, dir, commit)
		}
		request.Reference = "nope"
		var missing *ReferenceError
		if err := refuse(t, request); !errors.As(err, &missing) {
			t.Errorf("got %v", err)
		}
	}
}

func TestBearer(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("1"))
	request, address := s.proxy(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "Bearer secret-token" {
			return false
		}
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	request.URL, request.Token = address+"/one.git", "secret-token"
	if err := refuse(t, request); !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "GITHUB_AUTH") {
		t.Errorf("got %v", err)
	}
	request.Auth = AuthBearer
	clone(t, request)
}

func TestNotGit(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	page := func(status int, kind, text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
			return true
		}
	}
	for _, test := range []struct {
		status           int
		kind, text, want string
	}{
		{200, "text/html; charset=utf-8", "<html>Sign\nin \x1b[31m s3cret-token Z2l0OnMzY3JldC10b2tlbg==", "a web page instead of a repository, perhaps one to sign in"},
		{203, "text/html", "<html>Sign in", "(content type text/html); it begins: <html>Sign in"},
		{200, "text/plain", strings.Repeat("0a", 20) + "\trefs/heads/main\n", "dumb HTTP"},
		{200, "application/json", "{}", "something else than a repository"},
		{503, "text/html", "busy", "503 Service Unavailable"},
	} {
		request, address := s.proxy(t, page(test.status, test.kind, test.text))
		request.URL, request.Token = address+"/one.git", "s3cret-token"
		if err := refuse(t, request); !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "Z2l0") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("got %v, want %q", err, test.want)
		}
	}
	if _, err := gitserver.Git(t.Context(), s.root, nil, "init", "--quiet", "--bare", "--object-format=sha256", filepath.Join(s.root, "new.git")); err != nil {
		t.Fatal(err)
	}
	for _, request := range []Request{s.ssh("new.git"), s.https("new.git")} {
		if err := refuse(t, request); !strings.Contains(err.Error(), "SHA-256 repository") {
			t.Errorf("%s: %v", request.URL, err)
		}
	}
}

// A host that falls silent ends the clone with a sentence, in whichever phase.
func TestSilentHost(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() //nolint:errcheck // the end of the test
	stalls := func(t *testing.T, request Request) {
		t.Helper()
		request.Timeout = 2 * time.Second
		var stalled *progress.Stalled
		if err := refuse(t, request); !errors.As(err, &stalled) || stalled.Peer != "the git host 127.0.0.1" {
			t.Errorf("%s: %v", request.URL, err)
		}
	}
	stalls(t, Request{URL: "https://" + silent.Addr().String() + "/one.git"})
	stalls(t, Request{URL: "ssh://git@" + silent.Addr().String() + "/one.git"})
	for _, phase := range []gitserver.Phase{gitserver.Accepted, gitserver.Serving, gitserver.Packing} {
		s := newStack(t, gitserver.Options{Gate: func(ctx context.Context, at gitserver.Phase) {
			if at == phase {
				<-ctx.Done()
			}
		}})
		s.create(t, "one.git", map[string]gitserver.File{"noise": {Content: noise(1 << 20)}})
		stalls(t, s.ssh("one.git"))
		stalls(t, s.https("one.git"))
	}
}

// noise is text that does not compress to little.
func noise(size int) string {
	text := make([]byte, size)
	state := uint32(1)
	for i := range text {
		state = state*1664525 + 1013904223
		text[i] = byte(state >> 24)
	}
	return string(text)
}
