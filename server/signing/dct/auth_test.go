package dct

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/test/kit/memstore"
)

// Both credential tests use a server that knows nothing: what counts is how it
// was asked.
func TestBasicCredentials(t *testing.T) {
	var sent []string
	_, request := serve(t, func(w http.ResponseWriter, r *http.Request) {
		given, secret, ok := r.BasicAuth()
		if !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="notary"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		sent = append(sent, given+":"+secret)
		http.NotFound(w, r)
	})
	_, err := New(memstore.New()).Sign(t.Context(), request, io.Discard)
	if err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("error %v, want one without the password", err)
	}
	if len(sent) == 0 || slices.ContainsFunc(sent, func(s string) bool { return s != user+":"+password }) {
		t.Errorf("credentials sent: %v", sent)
	}
	request.Account.Password = ""
	var access *signature.AccessError
	if _, err := New(memstore.New()).Sign(t.Context(), request, io.Discard); !errors.As(err, &access) || access.Status != 0 {
		t.Errorf("without a password: %v, want an AccessError that reports that credentials are asked for", err)
	}
}

func TestTokenCredentials(t *testing.T) {
	var asked url.Values
	var tokens []string
	var self string
	server, request := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			if given, secret, ok := r.BasicAuth(); !ok || given != user || secret != password {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			asked = r.URL.Query()
			if err := json.NewEncoder(w).Encode(map[string]string{"token": "ticket"}); err != nil {
				t.Error(err)
			}
			return
		}
		if header := r.Header.Get("Authorization"); header != "" {
			tokens = append(tokens, header)
			http.NotFound(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+self+`/token",service="notary"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	self = server.URL
	if _, err := New(memstore.New()).Sign(t.Context(), request, io.Discard); err == nil {
		t.Error("signed by a server that knows nothing")
	}
	if want := "repository:" + image.Repository + ":push,pull"; asked.Get("scope") != want || asked.Get("service") != "notary" {
		t.Errorf("token asked for %v, want scope %s", asked, want)
	}
	if len(tokens) == 0 || slices.ContainsFunc(tokens, func(s string) bool { return s != "Bearer ticket" }) {
		t.Errorf("authorized with %v", tokens)
	}
	request.Account.Password = "wrong-secret"
	var access *signature.AccessError
	if _, err := New(memstore.New()).Sign(t.Context(), request, io.Discard); !errors.As(err, &access) || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("with a wrong password: %v, want an AccessError without it", err)
	}
}

func TestNoPasswordInClear(t *testing.T) {
	// The name is not loopback, and it is refused before it is resolved.
	_, request := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://token.example.com/token",service="notary"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	_, err := New(memstore.New()).Sign(t.Context(), request, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "plain http") {
		t.Errorf("error %v, want a refusal of plain http", err)
	}
}
