package attest

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/client/advice"
)

// Names of the checks that every kind of evidence has.
const (
	checkKind  = "kind"
	checkNonce = "nonce"
	checkTLS   = "TLS key"
)

// Session is the conversation in which evidence came.
type Session struct {
	Nonce []byte            // the nonce of the request
	Peer  *x509.Certificate // whose key the server proved to hold, in that connection
	Now   time.Time
}

// Check holds evidence against the policy. The error is a *Refusal when the
// evidence did not pass; the report then ends with the last check that passed.
func (p *Policy) Check(e attestation.Evidence, s Session) (Report, error) {
	report := Report{Kind: e.Kind, Findings: []Finding{}, Keys: slices.Clone(e.Keys)}
	if err := p.check(&report, e, s); err != nil {
		return report, err
	}
	report.Accepted = true
	return report, nil
}

func (p *Policy) check(report *Report, e attestation.Evidence, s Session) error {
	allowed, err := p.allows(e.Kind)
	if err != nil {
		return err
	}
	if !allowed {
		return refuse(checkKind, p.unwanted(e.Kind))
	}
	report.pass(checkKind, e.Kind, "the kind that is required")
	if !bytes.Equal(e.Nonce, s.Nonce) {
		return refuse(checkNonce, errors.New("the evidence was made for another request: someone replays it"))
	}
	peer := attestation.DigestOf(s.Peer.RawSubjectPublicKeyInfo)
	if e.TLS != peer {
		return refuse(checkTLS, fmt.Errorf("the evidence is for the TLS key %s, but the server at the other end holds %s: someone is in between", e.TLS, peer))
	}
	for _, section := range p.sections() {
		if section != e.Kind {
			report.Unproven = append(report.Unproven, fmt.Sprintf("what the policy requires under %q: the evidence is of kind %q", section, e.Kind))
		}
	}
	switch e.Kind {
	case attestation.KindHPCR:
		return p.checkHPCR(report, e, s)
	case attestation.KindTDX:
		return recoverPanics(func() error { return p.checkTDX(report, e, s) })
	case attestation.KindSEVSNP:
		return recoverPanics(func() error { return p.checkSEVSNP(report, e, s) })
	case attestation.KindSimulated:
		report.Unproven = append(report.Unproven, "anything: a simulated enclave proves nothing, and protects nothing")
		return nil
	}
	return refuse(checkKind, fmt.Errorf("%q is no kind that this program can check", e.Kind))
}

// recoverPanics turns a panic into a refusal: the vendors' libraries go beyond the end
// of a quote whose lengths are wrong.
func recoverPanics(check func() error) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = refuse(checkQuote, fmt.Errorf("it is broken: %v", broken))
		}
	}()
	return check()
}

func (p *Policy) unwanted(kind string) error {
	if kind == attestation.KindSimulated && len(p.Require) == 0 {
		return advice.Coded(errors.New("the enclave is simulated: it proves nothing, and protects nothing"), Simulated)
	}
	return fmt.Errorf("the evidence is of kind %q, and %s is required", kind, strings.Join(p.Require, " or "))
}

// freshness is what the nonce and the keys prove in a quote that is made over them.
func (r *Report) fresh(e attestation.Evidence) {
	r.pass(checkNonce, attestation.EncodeNonce(e.Nonce), "the quote was made for this request")
	r.pass(checkTLS, e.TLS.String(), "the quoted machine holds the key of this TLS connection")
	for _, key := range e.Keys {
		r.pass("key: "+key.Use, key.SHA256.String(), "the quoted machine names this key as its own")
	}
}
