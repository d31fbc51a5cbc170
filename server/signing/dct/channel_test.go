package dct

// The way to a server and its refusals, on servers of net/http/httptest.

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/test/kit/memstore"
)

const (
	user     = "alice"
	password = "geheim-0123"
)

var image = signing.Image{
	Repository: "registry.example.com/ns/app",
	Tags:       []string{"v1", "latest"},
	Digest:     "sha256:" + strings.Repeat("0a", 32),
	Size:       528,
}

// serve starts a server over TLS and returns a request that trusts it.
func serve(t *testing.T, handler http.HandlerFunc) (*httptest.Server, signing.Request) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that are meant to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return server, signing.Request{Notary: server.URL, Account: api.RegistryAccount{User: user, Password: password}, CABundle: authority, Image: image}
}

func TestSignRefusesRequests(t *testing.T) {
	for name, change := range map[string]func(*signing.Request){
		"image":          func(r *signing.Request) { r.Image.Tags = nil },
		"server":         func(r *signing.Request) { r.Notary = "http://notary.example.com" },
		"docker's":       func(r *signing.Request) { r.Notary = "notary.docker.io" },
		"no authorities": func(r *signing.Request) { r.CABundle = []byte("none") },
	} {
		t.Run(name, func(t *testing.T) {
			asked := false
			_, request := serve(t, func(http.ResponseWriter, *http.Request) { asked = true })
			change(&request)
			keys := memstore.New()
			if _, err := New(keys).Sign(t.Context(), request, io.Discard); err == nil {
				t.Error("signed")
			}
			if asked || len(keys.Entries) > 0 {
				t.Errorf("the server was asked (%v), or keys were made (%d)", asked, len(keys.Entries))
			}
		})
	}
}

func TestSignUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = New(memstore.New()).Sign(t.Context(), signing.Request{Notary: listener.Addr().String(), Image: image}, io.Discard)
	var unreachable *signature.UnreachableError
	if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), listener.Addr().String()) {
		t.Errorf("error %v, want an UnreachableError that names the server", err)
	}
}

func TestSignUnknownAuthority(t *testing.T) {
	_, request := serve(t, func(http.ResponseWriter, *http.Request) {})
	request.CABundle = nil
	_, err := New(memstore.New()).Sign(t.Context(), request, io.Discard)
	var certificate *signature.CertificateError
	if !errors.As(err, &certificate) || !strings.Contains(err.Error(), "DOCKER_CONTENT_TRUST_CA") {
		t.Errorf("error %v, want a CertificateError that names the parameter", err)
	}
}

func TestSignOtherName(t *testing.T) {
	server, request := serve(t, func(http.ResponseWriter, *http.Request) {})
	request.Notary = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	_, err := New(memstore.New()).Sign(t.Context(), request, io.Discard)
	var certificate *signature.CertificateError
	if !errors.As(err, &certificate) || strings.Contains(err.Error(), "DOCKER_CONTENT_TRUST_CA") {
		t.Errorf("error %v, want a CertificateError that does not blame the authorities", err)
	}
}

func TestSignStatus(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		want   any
	}{
		"unauthorized":   {http.StatusUnauthorized, new(*signature.AccessError)},
		"forbidden":      {http.StatusForbidden, new(*signature.AccessError)},
		"out of order":   {http.StatusBadGateway, new(*signature.UnreachableError)},
		"too many calls": {http.StatusTooManyRequests, new(*signature.UnreachableError)},
	} {
		t.Run(name, func(t *testing.T) {
			_, request := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/" {
					w.WriteHeader(test.status)
				}
			})
			keys := memstore.New()
			_, err := New(keys).Sign(t.Context(), request, io.Discard)
			if !errors.As(err, test.want) {
				t.Errorf("error %v, want a %T", err, test.want)
			}
			if len(keys.Entries) > 0 {
				t.Errorf("%d keys were made for nothing", len(keys.Entries))
			}
		})
	}
}

func TestSignNoNotary(t *testing.T) {
	_, request := serve(t, func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
	_, err := New(memstore.New()).Sign(t.Context(), request, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no notary server") {
		t.Errorf("error %v, want one that reports that this is no notary server", err)
	}
}

func TestSignEndsWithContext(t *testing.T) {
	for _, path := range []string{"/v2/", "/v2/" + image.Repository + "/_trust/tuf/root.json"} {
		t.Run(path, func(t *testing.T) {
			leaks := goleak.IgnoreCurrent()
			asked := make(chan struct{})
			server, request := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == path {
					close(asked)
					<-r.Context().Done() // for ever, but for the client
				}
			})
			ctx, cancel := context.WithCancel(t.Context())
			var ended time.Time
			go func() {
				<-asked
				ended = time.Now()
				cancel()
			}()
			_, err := New(memstore.New()).Sign(ctx, request, io.Discard)
			if took := time.Since(ended); !errors.Is(err, context.Canceled) || took > time.Second {
				t.Errorf("ended %v after the context with %v", took, err)
			}
			server.Close()
			goleak.VerifyNone(t, leaks)
		})
	}
}

func TestSignIsSerialized(t *testing.T) {
	signer := New(memstore.New())
	if err := signer.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := signer.Sign(ctx, signing.Request{Notary: "localhost:1", Image: image}, io.Discard)
		result <- err
	}()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("a waiting signature ended with %v", err)
	}
}
