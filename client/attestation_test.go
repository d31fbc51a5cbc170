package client

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/client/certs"
)

func TestAttestation(t *testing.T) {
	nonce := bytes.Repeat([]byte{0xfe}, 32)
	evidence := attestation.Evidence{
		Bound: attestation.Bound{Nonce: nonce, Keys: []attestation.Key{}},
		Proof: attestation.Proof{Kind: attestation.KindTDX, Quote: []byte("quote")},
	}
	text, err := attestation.Encode(evidence)
	if err != nil {
		t.Fatal(err)
	}
	ids := usualIdentities(t)
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter)
		want   string
		code   api.Code
	}{
		"evidence": {answer: func(w http.ResponseWriter) { _, _ = w.Write(text) }},
		"none": {func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"status":"no evidence","code":"` + string(api.CodeNoEvidence) + `"}`))
		}, "no evidence", api.CodeNoEvidence},
		"endless": {func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, attestation.MaxEvidence+1)) }, "longer than any evidence", ""},
		"another": {func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"version":2}`)) }, "version", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := ids.with(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != api.PathAttestation || r.URL.Query().Get(api.QueryNonce) != attestation.EncodeNonce(nonce) {
					t.Errorf("asked for %s", r.URL)
				}
				test.answer(w)
			})
			got, peer, err := c.Attestation(t.Context(), nonce)
			if test.want != "" {
				var failed *Error
				if !errors.As(err, &failed) || !strings.Contains(failed.Message, test.want) || failed.Code != test.code {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || string(got.Quote) != "quote" || !bytes.Equal(peer.Raw, ids.server.TLS.Certificate[0]) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// TestPin lets another server of the same authority and name take the place of
// the one that was attested.
func TestPin(t *testing.T) {
	ids := makeIdentities(t, host, time.Now())
	files := certs.Locate("test", "1", certs.Named{})
	if err := os.Remove(files.ServerCert); err != nil {
		t.Fatal(err)
	}
	if _, err := certs.CreateServer(files, host, time.Now()); err != nil {
		t.Fatal(err)
	}
	other, err := certs.LoadServer(files, host, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var replaced atomic.Bool
	config := peerConfig(ids.server, ids.client)
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if replaced.Load() {
			return peerConfig(other, ids.client), nil
		}
		return nil, nil
	}
	var asked atomic.Int32
	c := connect(t, ids.client, config, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == api.PathImage {
			asked.Add(1)
			_, _ = w.Write([]byte(`{"status":"OK"}`))
			return
		}
		text, err := attestation.Encode(attestation.Evidence{Bound: attestation.Bound{Nonce: make([]byte, 16)}, Proof: attestation.Proof{Kind: attestation.KindSimulated}})
		if err != nil {
			panic(err)
		}
		_, _ = w.Write(text)
	})
	_, peer, err := c.Attestation(t.Context(), make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	c.Pin(peer)
	if _, err := c.Init(t.Context(), []byte("{}")); err != nil || asked.Load() != 1 {
		t.Fatalf("the attested server was asked %d times, %v", asked.Load(), err)
	}
	replaced.Store(true)
	c.Close()
	_, err = c.Init(t.Context(), []byte("{}"))
	var failed *Error
	if !errors.As(err, &failed) || !errors.Is(err, errOtherKey) || failed.Fault != FaultOtherKey || asked.Load() != 1 {
		t.Errorf("the other server was asked %d times, %v", asked.Load(), err)
	}
}
