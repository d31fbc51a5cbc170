//go:build stack

package source

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
	"golang.org/x/crypto/ssh"
)

func TestWrongKey(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("1"))
	_, other := newKey(t)
	for name, key := range map[string][]byte{"another key": other, "no key": nil} {
		t.Run(name, func(t *testing.T) {
			request := s.ssh("one.git")
			request.SSHKey = key
			if err := refuse(t, request); !errors.Is(err, ErrCredentials) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestUnknownHost(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("1"))
	request := s.ssh("one.git")
	request.KnownHosts = nil
	err := refuse(t, request)
	var unknown *UnknownHostError
	if !errors.As(err, &unknown) {
		t.Fatalf("got %v", err)
	}
	if !strings.HasPrefix(unknown.Fingerprint, "SHA256:") || unknown.KeyType != "ssh-ed25519" || !strings.HasPrefix(unknown.Host, "[127.0.0.1]:") {
		t.Errorf("got %+v", unknown)
	}
	if !strings.Contains(err.Error(), unknown.Line) || !strings.Contains(err.Error(), "GITHUB_KNOWN_HOSTS") {
		t.Errorf("the message does not help: %v", err)
	}
	request.KnownHosts = []byte(unknown.Line) // pasted, it works
	clone(t, request)
}

func TestChangedHost(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("1"))
	signer, _ := newKey(t)
	request := s.ssh("one.git")
	host, _, _ := strings.Cut(string(s.KnownHosts()), " ")
	request.KnownHosts = []byte(host + " " + string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	err := refuse(t, request)
	var changed *HostKeyMismatchError
	if !errors.As(err, &changed) {
		t.Fatalf("got %v", err)
	}
	if len(changed.Known) != 1 || changed.Known[0] != ssh.FingerprintSHA256(signer.PublicKey()) || changed.Fingerprint == changed.Known[0] {
		t.Errorf("got %+v", changed)
	}
	if !strings.Contains(err.Error(), "host key mismatch") {
		t.Errorf("got %v", err)
	}
}

// A server of several keys must show the one that is known.
func TestHostOfSeveralKeys(t *testing.T) {
	edward, _ := newKey(t)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	prime, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signers := []ssh.Signer{edward}
	for _, key := range []any{curve, prime} {
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, signer)
	}
	s := newStack(t, gitserver.Options{HostKeys: signers})
	s.create(t, "one.git", sample("1"))
	for line := range strings.Lines(string(s.KnownHosts())) {
		t.Run(strings.Fields(line)[1], func(t *testing.T) {
			request := s.ssh("one.git")
			request.KnownHosts = []byte(line)
			clone(t, request)
		})
	}
}

func TestToken(t *testing.T) {
	s := newStack(t, gitserver.Options{User: "ada", Token: "ghp_secret-token"})
	s.create(t, "one.git", sample("1"))
	request := s.https("one.git")
	request.User, request.Token = "ada", "ghp_secret-token"
	dir, _ := clone(t, request)
	for path, content := range snapshot(t, dir) {
		if strings.Contains(content, "ghp_secret") {
			t.Errorf("the token is in %s", path)
		}
	}
	for name, token := range map[string]string{"wrong": "ghp_wrong-token", "none": ""} {
		t.Run(name, func(t *testing.T) {
			request.Token = token
			err := refuse(t, request)
			if !errors.Is(err, ErrCredentials) || (token != "" && strings.Contains(err.Error(), token)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestUnknownCertificate(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("1"))
	request := s.https("one.git")
	request.CABundle = nil
	err := refuse(t, request)
	var unverified *tls.CertificateVerificationError
	if !errors.As(err, &unverified) {
		t.Errorf("got %v", err)
	}
}

// A redirect to another host is followed, but the token is not sent.
func TestRedirectDropsToken(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("1"))
	trusted, err := newAuthorities(Anchors{CABundle: s.CABundle()})
	if err != nil {
		t.Fatal(err)
	}
	backend, err := url.Parse(s.HTTPSURL(""))
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ first, second []string }
	proxy := httputil.NewSingleHostReverseProxy(backend)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted.all}}
	defer transport.CloseIdleConnections()
	proxy.Transport = transport
	second := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.second = append(got.second, r.Header.Get("Authorization"))
		proxy.ServeHTTP(w, r)
	}))
	defer second.Close()
	first := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.first = append(got.first, r.Header.Get("Authorization"))
		http.Redirect(w, r, second.URL+r.URL.RequestURI(), http.StatusFound)
	}))
	defer first.Close()
	request := s.https("one.git")
	request.URL = first.URL + "/one.git"
	request.User, request.Token = "ada", "secret"
	for _, server := range []*httptest.Server{first, second} {
		request.CABundle = append(request.CABundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})...)
	}
	clone(t, request)
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("ada:secret"))
	if !slices.Equal(got.first, []string{want}) {
		t.Errorf("the first host got %q", got.first)
	}
	if !slices.Equal(got.second, []string{"", "", ""}) {
		t.Errorf("the second host got %q", got.second)
	}
}

// Without encryption one may be sent about on this machine only.
func TestRedirectOffTheMachine(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://git.invalid"+r.URL.RequestURI(), http.StatusFound)
	}))
	defer server.Close()
	if err := refuse(t, Request{URL: server.URL + "/one.git"}); !strings.Contains(err.Error(), "not encrypted") {
		t.Errorf("got %v", err)
	}
}

// A redirect must not lead to an address that is no repository URL.
func TestRedirectElsewhere(t *testing.T) {
	for _, target := range []string{"http://192.0.2.1/x", "ftp://127.0.0.1/x", "file:///etc/passwd"} {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target, http.StatusFound)
		}))
		request := Request{URL: server.URL + "/one.git", Anchors: Anchors{CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})}}
		if err := refuse(t, request); !strings.Contains(err.Error(), "redirect") {
			t.Errorf("%s: %v", target, err)
		}
		server.Close()
	}
}
