package bundle

// The bundle and its envelope: syntax, signing and verification.

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

const (
	// MediaType is the media type of a bundle and the artifact type of its referrer.
	MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	// MaxSize is the maximum size of a bundle, in bytes. The largest are SBOMs of
	// images with many thousands of files.
	MaxSize = 32 << 20

	payloadType = "application/vnd.in-toto+json"
)

// ErrOtherKey means that a signature was not made with the given key.
var ErrOtherKey = errors.New("the signature does not verify with this key")

// document is the JSON form of dev.sigstore.bundle.v1.Bundle.
type document struct {
	MediaType            string               `json:"mediaType"`
	VerificationMaterial verificationMaterial `json:"verificationMaterial"`
	Envelope             *envelope            `json:"dsseEnvelope"`
}

type verificationMaterial struct {
	PublicKey publicKey `json:"publicKey"`
}

type publicKey struct {
	Hint string `json:"hint"`
}

// envelope is the DSSE envelope; byte slices are base64 in JSON.
type envelope struct {
	Payload     []byte              `json:"payload"`
	PayloadType string              `json:"payloadType"`
	Signatures  []envelopeSignature `json:"signatures"`
}

// envelopeSignature has no keyid: cosign --key refuses any it does not expect.
type envelopeSignature struct {
	Signature []byte `json:"sig"`
}

// Sign signs s with the signer's key, which must be of a type that NewKey accepts,
// and returns the bundle's JSON. ECDSA signatures are deterministic (RFC 6979)
// where the signer obeys Go's rule for a missing source of randomness, as
// *ecdsa.PrivateKey does: the same statement then gives the same bytes.
func Sign(signer crypto.Signer, s Statement) ([]byte, error) {
	key, err := NewKey(signer.Public())
	if err != nil {
		return nil, fmt.Errorf("sign a statement: %w", err)
	}
	payload, err := s.encode()
	if err != nil {
		return nil, fmt.Errorf("sign a statement: %w", err)
	}
	signature, err := key.signWith(signer, preAuthentication(payloadType, payload))
	if err != nil {
		return nil, fmt.Errorf("sign a statement: %w", err)
	}
	text, err := json.Marshal(document{
		MediaType:            MediaType,
		VerificationMaterial: verificationMaterial{publicKey{base64.StdEncoding.EncodeToString(key.hash[:])}},
		Envelope:             &envelope{payload, payloadType, []envelopeSignature{{signature}}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the bundle: %w", err)
	}
	if len(text) > MaxSize {
		return nil, fmt.Errorf("sign a statement: a bundle of %d bytes is longer than readers accept (%d)", len(text), MaxSize)
	}
	return text, nil
}

// Open returns the statement of a bundle that was signed with key. The error wraps
// ErrOtherKey where the bundle is well-formed and was signed with another key.
func Open(key Key, text []byte) (Statement, error) {
	envelope, err := decode(text)
	if err != nil {
		return Statement{}, fmt.Errorf("open a bundle: %w", err)
	}
	if err := key.Verify(preAuthentication(envelope.PayloadType, envelope.Payload), envelope.Signatures[0].Signature); err != nil {
		return Statement{}, fmt.Errorf("open a bundle: %w", err)
	}
	s, err := decodeStatement(envelope.Payload)
	if err != nil {
		return Statement{}, fmt.Errorf("open a bundle: %w", err)
	}
	return s, nil
}

// decode parses a bundle without verifying it. The returned envelope has exactly
// one signature.
func decode(text []byte) (*envelope, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("it is longer than %d bytes", MaxSize)
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	switch {
	case d.MediaType != MediaType:
		return nil, fmt.Errorf("its type %.100q is not %s", d.MediaType, MediaType)
	case d.Envelope == nil:
		return nil, errors.New("it holds no DSSE envelope")
	case len(d.Envelope.Signatures) != 1:
		return nil, fmt.Errorf("its envelope has %d signatures instead of one", len(d.Envelope.Signatures))
	case d.Envelope.PayloadType != payloadType:
		return nil, fmt.Errorf("its payload %.100q is not %s", d.Envelope.PayloadType, payloadType)
	}
	return d.Envelope, nil
}

// preAuthentication returns DSSE's PAE, the bytes that are signed.
func preAuthentication(payloadType string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
}
