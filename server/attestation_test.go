package server

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/attestation"
)

func TestAttestation(t *testing.T) {
	f := newFixture(t)
	f.TLSKey = attestation.DigestOf([]byte("TLS key"))
	var over [64]byte
	f.Prove = func(_ context.Context, data [64]byte) (attestation.Proof, error) {
		over = data
		return attestation.Proof{Kind: attestation.KindTDX, Quote: []byte("quote")}, nil
	}
	nonce := bytes.Repeat([]byte{0xfb}, attestation.MinNonce)
	ask := func() attestation.Evidence {
		t.Helper()
		reply := f.request("GET", "/attestation?nonce="+attestation.EncodeNonce(nonce), "")
		e, err := attestation.Decode(reply.Body.Bytes())
		if err != nil || reply.Code != http.StatusOK {
			t.Fatalf("%d %s %v", reply.Code, reply.Body, err)
		}
		if want, err := e.ReportData(); err != nil || over != want {
			t.Errorf("the quote is made over something else than the reply has, %v", err)
		}
		if !bytes.Equal(e.Nonce, nonce) || e.TLS != f.TLSKey || string(e.Quote) != "quote" {
			t.Errorf("got %+v", e)
		}
		return e
	}
	if e := ask(); len(e.Keys) != 0 {
		t.Errorf("before init there are keys: %v", e.Keys)
	}

	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	f.keep(oldID, api.StatusSuccess, "")
	want := []attestation.Key{
		{Use: "dct", SHA256: attestation.DigestOf([]byte("key"))},
		{Use: "manifest", SHA256: attestation.DigestOf([]byte("key of " + oldID))},
	}
	if e := ask(); !slices.Equal(e.Keys, want) {
		t.Errorf("got keys %v, want %v", e.Keys, want)
	}
}

func TestAttestationRefusals(t *testing.T) {
	f := newFixture(t)
	f.Prove = func(context.Context, [64]byte) (attestation.Proof, error) {
		return attestation.Proof{}, fmt.Errorf("of a kind: %w", ErrNoEvidence)
	}
	for _, query := range []string{"", "?nonce=", "?nonce=" + strings.Repeat("A", 21), "?nonce=" + strings.Repeat("A", 87), "?nonce=" + strings.Repeat("=", 22)} {
		if got := f.mustReturn("GET", "/attestation"+query, "", http.StatusBadRequest); got.Key != "nonce" {
			t.Errorf("%q: got %+v", query, got)
		}
	}
	if got := f.mustReturn("GET", "/attestation?nonce="+strings.Repeat("A", 22), "", http.StatusNotFound); got.Code != api.CodeNoEvidence {
		t.Errorf("got %+v", got)
	}
}
