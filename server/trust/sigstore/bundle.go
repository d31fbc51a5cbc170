package sigstore

// The bundle: a DSSE envelope around an in-toto statement, and the hint which
// key verifies it.

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

const (
	bundleType    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	statementType = "https://in-toto.io/Statement/v1"
	payloadType   = "application/vnd.in-toto+json"
	// signPredicate is what cosign sign states: nothing but the subject.
	signPredicate = "https://sigstore.dev/cosign/sign/v1"
)

type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     struct{}  `json:"predicate"`
}

type subject struct {
	Digest map[string]string `json:"digest"`
}

// bundle is the JSON form of dev.sigstore.bundle.v1.Bundle.
type bundle struct {
	MediaType            string               `json:"mediaType"`
	VerificationMaterial verificationMaterial `json:"verificationMaterial"`
	Envelope             envelope             `json:"dsseEnvelope"`
}

type verificationMaterial struct {
	PublicKey publicKey `json:"publicKey"`
}

type publicKey struct {
	Hint string `json:"hint"`
}

// envelope is DSSE, v1.0.0; byte slices are base64 in JSON.
type envelope struct {
	Payload     []byte              `json:"payload"`
	PayloadType string              `json:"payloadType"`
	Signatures  []envelopeSignature `json:"signatures"`
}

// envelopeSignature has no keyid: cosign --key refuses any it does not expect.
type envelopeSignature struct {
	Signature []byte `json:"sig"`
}

// signedStatement is the statement that the image with the digest (hex of
// SHA-256) is signed, as a bundle.
func signedStatement(k key, hexDigest string) ([]byte, error) {
	payload, err := json.Marshal(statement{
		Type:          statementType,
		Subject:       []subject{{map[string]string{"sha256": hexDigest}}},
		PredicateType: signPredicate,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the statement: %w", err)
	}
	signature, err := k.sign(preAuthentication(payloadType, payload))
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(bundle{
		MediaType:            bundleType,
		VerificationMaterial: verificationMaterial{publicKey{base64.StdEncoding.EncodeToString(k.hash[:])}},
		Envelope:             envelope{payload, payloadType, []envelopeSignature{{signature}}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the bundle: %w", err)
	}
	return text, nil
}

// preAuthentication is DSSE's PAE: what is signed instead of the JSON.
func preAuthentication(payloadType string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
}
