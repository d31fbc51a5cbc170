package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/attestation"
)

// peer is the fake server of the scripts: it requires the client certificate,
// keeps the parameters, and pretends to build.
type peer struct {
	wants map[string]bool // behaviours that the script asked for

	mu         sync.Mutex
	secret     api.Secret // SECRET; "" before init
	status     api.Status
	log        []string
	ended      chan struct{} // closed when the build that hangs is stopped
	followers  chan struct{} // gets a value for every follower
	key        *rsa.PrivateKey
	loseUpdate bool // break the connection off after the next update
	warnings   []string

	tlsKey                  attestation.Digest
	attested                atomic.Bool
	record, recordSignature []byte // of the runtime that deploy pretends
}

type peerKey struct{}

// makeKey makes the key of every peer's manifests.
var makeKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

const buildName = "docker.io.ns.name.v1-ad52e76.2026-02-10_15-37-37.178350"

// imageHex is the digest of the image in hex.
const imageHex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// serve [BEHAVIOUR...] starts the server with the certificates that the script
// has made, and writes its port into sbs-config.json in place of 65000.
// Behaviours: fails and hangs for builds, loses-update, warns, forged, openpgp, signatures, attestations, hpcr,
// swaps and loops.
func serve(ts *testscript.TestScript, negated bool, args []string) {
	p := ts.Value(peerKey{}).(*peer)
	p.wants = map[string]bool{}
	for _, want := range args {
		p.wants[want] = true
	}
	p.loseUpdate = p.wants["loses-update"]
	if p.wants["warns"] {
		p.warnings = []string{"what only the server knows"}
	}
	p.followers = make(chan struct{}, 100)
	folders, err := filepath.Glob(ts.MkAbs(".*.d"))
	ts.Check(err)
	if len(folders) != 1 {
		ts.Fatalf("make certificates first")
	}
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folders[0], "server-cert.pem"), filepath.Join(folders[0], "server-cert-key.pem"))
	ts.Check(err)
	roots := x509.NewCertPool()
	ca, err := os.ReadFile(filepath.Join(folders[0], "client-ca.pem"))
	ts.Check(err)
	roots.AppendCertsFromPEM(ca)
	p.key, err = makeKey()
	ts.Check(err)

	p.tlsKey = attestation.DigestOf(certificate.Leaf.RawSubjectPublicKeyInfo)
	if p.wants["hpcr"] {
		p.deploy(ts, certificate)
	}

	server := httptest.NewUnstartedServer(p.routes())
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots}
	if p.wants["swaps"] {
		p.swap(ts, server.TLS)
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	ts.Defer(server.Close)

	u, err := url.Parse(server.URL)
	ts.Check(err)
	_, port, err := net.SplitHostPort(u.Host)
	ts.Check(err)
	config, err := os.ReadFile(ts.MkAbs("sbs-config.json"))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("sbs-config.json"), bytes.Replace(config, []byte("65000"), []byte(port), 1), 0o600))
}

// followedCommand waits until somebody follows the build.
func followedCommand(ts *testscript.TestScript, _ bool, _ []string) {
	select {
	case <-ts.Value(peerKey{}).(*peer).followers:
	case <-time.After(time.Minute):
		ts.Fatalf("nobody follows the build")
	}
}

func (p *peer) routes() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("POST /image", p.configure)
	routes.HandleFunc("PATCH /image", p.configure)
	routes.HandleFunc("PUT /image", p.build)
	routes.HandleFunc("DELETE /image", p.clean)
	routes.HandleFunc("GET /image", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		reply(w, 200, p.status)
	})
	routes.HandleFunc("GET /log/build", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, api.Log{Log: strings.Join(p.log, "\n") + "\n"})
	})
	routes.HandleFunc("GET /attestation", p.attestation)
	routes.HandleFunc("GET /events", p.events)
	routes.HandleFunc("/state-image", p.state)
	routes.HandleFunc("GET /builds", p.builds)
	routes.HandleFunc("GET /imagedigest", func(w http.ResponseWriter, _ *http.Request) { reply(w, 201, "docker.io/ns/name@sha256:"+imageHex) })
	routes.HandleFunc("GET /config-json", p.config)
	routes.HandleFunc("GET /lookaside/", p.signature)
	routes.HandleFunc("GET /publickey", p.publicKey)
	routes.HandleFunc("GET /manifest", p.manifest)
	return routes
}

func reply(w http.ResponseWriter, code int, value any) {
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		panic(err)
	}
}

func refuse(w http.ResponseWriter, status int, code api.Code, text string) {
	reply(w, status, api.Answer{Status: text, Code: code})
}

// configure serves init and update. Like the real server it replies to an update
// that it has had already like the first time.
func (p *peer) configure(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	parameters, err := api.ParseParameters(body)
	if err != nil {
		refuse(w, 400, api.CodeBadParameter, err.Error())
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	update := r.Method == http.MethodPatch
	repeated := parameters.NewSecret != "" && parameters.NewSecret == p.secret
	if update && parameters.Secret != p.secret && !repeated {
		refuse(w, 403, api.CodeForbidden, "SECRET is not the server's")
		return
	}
	p.secret = parameters.Secret
	if parameters.NewSecret != "" {
		p.secret = parameters.NewSecret
	}
	if update && p.loseUpdate {
		p.loseUpdate = false
		panic(http.ErrAbortHandler)
	}
	reply(w, 200, api.Answer{Status: api.StatusOK, Warnings: append(parameters.Warnings(), p.warnings...)})
}

func (p *peer) build(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.secret == "":
		refuse(w, 409, api.CodeNotInitialised, "no parameters yet")
		return
	case p.status.Building:
		refuse(w, 409, api.CodeBusy, "a build runs")
		return
	}
	p.status = api.Status{Status: api.StatusGitHubCloned, Building: true}
	p.log = []string{"2026-02-10 15:37:37,178  root       INFO    starting a build", "2026-02-10 15:37:38,178  root       INFO    run: <KEY>"}
	p.ended = make(chan struct{})
	reply(w, 200, api.Answer{Status: api.StatusStarted})
}

// end finishes the build as the script wants it.
func (p *peer) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.status.Building {
		return
	}
	p.status = api.Status{Status: api.StatusSuccess, BuildName: buildName, ImageTag: "v1-ad52e76"}
	if p.wants["fails"] {
		p.status = api.Status{Status: api.FailureStatus("docker build -t docker.io/ns/name:latest ."), Cause: "RUN make: exit code 2"}
	}
}

func (p *peer) clean(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status.Building {
		close(p.ended)
	}
	p.status = api.Status{Status: api.StatusRestarted}
	reply(w, 200, api.Answer{Status: api.StatusRestarted})
}

func (p *peer) events(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		panic(err)
	}
	p.mu.Lock()
	first, lines, ended := p.status, p.log, p.ended
	p.mu.Unlock()
	emit(w, api.Event{Status: &first})
	for _, line := range lines {
		emit(w, api.Event{Log: line})
	}
	if !first.Building {
		return
	}
	p.followers <- struct{}{}
	if p.wants["hangs"] {
		select {
		case <-r.Context().Done():
			return
		case <-ended:
		}
	}
	p.end()
	p.mu.Lock()
	last := p.status
	p.mu.Unlock()
	emit(w, api.Event{Status: &last})
}

func emit(w http.ResponseWriter, event api.Event) {
	if err := json.NewEncoder(w).Encode(event); err != nil {
		return // the client has gone
	}
	_ = http.NewResponseController(w).Flush()
}
