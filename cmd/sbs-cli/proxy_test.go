//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/client/certs"
	"github.com/opensbs/sbs/server/volume"
)

// misbehave prepares the proxy for one misbehaviour, and returns what changes the
// replies of the server.
type misbehave func(ts *testscript.TestScript, config *tls.Config) func(*http.Response) error

// misbehaviours are what no real server does. A script that uses one has a line for it
// in its header, with the reason (see TestHeaders).
var misbehaviours = map[string]misbehave{
	"escapes": inReply(http.MethodGet, api.PathBuilds, func(page *api.Builds) error {
		page.Builds[1].Problem += "\x1b[2J"
		return nil
	}),
	"forged": inReply(http.MethodGet, api.PathManifest, forge),
	"loops": inReply(http.MethodGet, api.PathBuilds, func(page *api.Builds) error {
		page.Next = firstStart.Format(volume.IDLayout)
		return nil
	}),
	"loses-update": loseUpdate,
	"odd-keys": inReply(http.MethodGet, api.PathConfigJSON, func(config *api.ImageConfig) error {
		for i := range config.Signatures {
			config.Signatures[i].Key = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
		}
		return nil
	}),
	"sends-path": inReply(http.MethodGet, api.PathStateImage, func(image *api.StateImage) error {
		image.Name = "../escape"
		return nil
	}),
	"swaps": swap,
	"warns": inReply("", api.PathImage, func(answer *api.Answer) error {
		answer.Warnings = append(answer.Warnings, "what only the server knows")
		return nil
	}),
}

// proxy [MISBEHAVIOUR...] puts a proxy in front of the server, and writes its port into
// the configurations. It has the server's certificate, and the client's towards the
// server. Without a misbehaviour it changes nothing, and shows who follows a build.
func proxy(ts *testscript.TestScript, negated bool, names []string) {
	s := scriptOf(ts)
	if negated || s.address == "" {
		ts.Fatalf("usage: proxy [MISBEHAVIOUR...], after serve")
	}
	inside, err := certs.LoadServer(s.files, "localhost", time.Now())
	ts.Check(err)
	outside, err := certs.LoadClient(s.files, time.Now())
	ts.Check(err)
	config := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{inside.TLS}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: outside.Roots}
	changes := []func(*http.Response) error{s.noteFollower}
	for _, name := range names {
		misbehaviour, known := misbehaviours[name]
		if !known {
			ts.Fatalf("proxy: there is no misbehaviour %q", name)
		}
		changes = append(changes, misbehaviour(ts, config))
	}
	front := httptest.NewUnstartedServer(forward(s.address, &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: "localhost", RootCAs: outside.Roots, Certificates: []tls.Certificate{outside.TLS},
	}, changes))
	front.TLS = config
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.StartTLS()
	ts.Defer(front.Close)
	s.listens(ts, front.Listener)
}

// forward returns the proxy itself. A reply that a change returns an error for does not
// arrive.
func forward(address string, config *tls.Config, changes []func(*http.Response) error) http.Handler {
	server := &url.URL{Scheme: "https", Host: address}
	forwarding := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(server)
			r.Out.Host = r.In.Host
		},
		Transport:     &http.Transport{TLSClientConfig: config, DisableKeepAlives: true},
		FlushInterval: -1,
		ModifyResponse: func(response *http.Response) error {
			for _, change := range changes {
				if err := change(response); err != nil {
					return err
				}
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Else the reply may begin while the body is being forwarded, which ends both.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		forwarding.ServeHTTP(w, r)
	})
}

// noteFollower notes the first event that a follower of a build gets.
func (s *script) noteFollower(response *http.Response) error {
	if response.Request.URL.Path == api.PathEvents {
		response.Body = &noted{response.Body, s.followers}
	}
	return nil
}

type noted struct {
	io.ReadCloser
	followers chan<- struct{} // nil after the first read
}

func (n *noted) Read(p []byte) (int, error) {
	read, err := n.ReadCloser.Read(p)
	if read > 0 && n.followers != nil {
		n.followers <- struct{}{}
		n.followers = nil
	}
	return read, err
}

// inReply changes the replies of a route, to any method if that is empty. Failures
// remain as they are.
func inReply[T any](method, path string, change func(*T) error) misbehave {
	return func(*testscript.TestScript, *tls.Config) func(*http.Response) error {
		return func(response *http.Response) error {
			request := response.Request
			if request.URL.Path != path || method != "" && request.Method != method || response.StatusCode >= http.StatusMultipleChoices {
				return nil
			}
			var reply T
			if err := json.NewDecoder(response.Body).Decode(&reply); err != nil {
				return err
			}
			if err := errors.Join(response.Body.Close(), change(&reply)); err != nil {
				return err
			}
			text, err := json.Marshal(reply)
			response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
			response.Header.Del("Content-Length")
			return err
		}
	}
}

// forge replaces the source in a manifest and keeps its signature.
func forge(reply *api.Manifest) error {
	signed, err := manifest.Split(base64.NewDecoder(base64.StdEncoding, strings.NewReader(reply.EncodedManifest)), io.Discard)
	if err != nil {
		return err
	}
	log := io.NewSectionReader(strings.NewReader("log\n"), 0, 4)
	tbz, _, err := archive(context.Background(), []byte("{}\n"), log, "FROM evil\n")
	if err != nil {
		return err
	}
	var out bytes.Buffer
	err = manifest.WriteSigned(context.Background(), &out, reply.ManifestName, bytes.NewReader(tbz), int64(len(tbz)), signed.Signature, firstStart)
	reply.EncodedManifest = base64.StdEncoding.EncodeToString(out.Bytes())
	return err
}

// loseUpdate breaks the connection off after the first update.
func loseUpdate(*testscript.TestScript, *tls.Config) func(*http.Response) error {
	var lost atomic.Bool
	return func(response *http.Response) error {
		if response.Request.Method == http.MethodPatch && lost.CompareAndSwap(false, true) {
			return errors.New("lost")
		}
		return nil
	}
}

// swap lets another server, with the certificate other.pem, replace the one that was
// attested.
func swap(ts *testscript.TestScript, config *tls.Config) func(*http.Response) error {
	certificate, err := tls.LoadX509KeyPair(ts.MkAbs("other.pem"), ts.MkAbs("other-key.pem"))
	ts.Check(err)
	other := config.Clone()
	other.Certificates = []tls.Certificate{certificate}
	var attested atomic.Bool
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if attested.Load() {
			return other, nil
		}
		return nil, nil
	}
	return func(response *http.Response) error {
		if response.Request.URL.Path == api.PathAttestation {
			attested.Store(true)
		}
		return nil
	}
}
