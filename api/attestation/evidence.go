package attestation

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Kinds of evidence.
const (
	KindHPCR      = "hpcr"    // the record that the Hyper Protect runtime made and signed at deployment
	KindTDX       = "tdx"     // a quote of Intel TDX, version 4
	KindSEVSNP    = "sev-snp" // an attestation report of AMD SEV-SNP
	KindSimulated = "simulated"
)

// Kinds returns all kinds of evidence.
func Kinds() []string { return []string{KindHPCR, KindTDX, KindSEVSNP, KindSimulated} }

// Version is the version of the format of evidence and of report data.
const Version = 1

// MaxEvidence is the maximum size of encoded evidence, in bytes.
const MaxEvidence = 1 << 20

// Digest is a SHA-256, in JSON 64 lower-case hex digits.
type Digest [sha256.Size]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != sha256.Size || hex.EncodeToString(raw) != string(text) {
		return errors.New("a SHA-256 has 64 lower-case hex digits")
	}
	copy(d[:], raw)
	return nil
}

// Proof is the part of the evidence that the machine provides.
type Proof struct {
	Kind string

	// Of hpcr: the files se-checksums.txt, or se-checksums.txt.enc when
	// Encrypted, and se-signature.bin.
	Record    []byte
	Encrypted bool
	Signature []byte

	// Of tdx and sev-snp: the outblob and auxblob of configfs-tsm. The second is
	// the certificate table of SEV-SNP's extended report, and often empty.
	Quote        []byte
	Certificates []byte
}

// Evidence is the reply to an attestation request: a proof, and the values that
// the server claims it is bound to. Only a quote is bound to them; the record of
// hpcr is older than any nonce.
type Evidence struct {
	Bound
	Proof
}

// wire is evidence in JSON. Its fields are written in this order.
type wire struct {
	Version      int    `json:"version"`
	Kind         string `json:"kind"`
	Nonce        string `json:"nonce"` // base64url without padding, as in the request
	TLS          Digest `json:"tls_public_key_sha256"`
	Keys         []Key  `json:"keys"`
	Record       []byte `json:"record,omitempty"`
	Encrypted    bool   `json:"record_encrypted,omitempty"`
	Signature    []byte `json:"signature,omitempty"`
	Quote        []byte `json:"quote,omitempty"`
	Certificates []byte `json:"certificates,omitempty"`
}

// Encode returns evidence as one JSON object on one line, with its keys sorted and
// byte strings in standard base64.
func Encode(e Evidence) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("encode evidence: %w", err)
	}
	text, err := json.Marshal(wire{
		Version: Version, Kind: e.Kind, Nonce: EncodeNonce(e.Nonce), TLS: e.TLS,
		Keys:   append([]Key{}, slices.SortedFunc(slices.Values(e.Keys), compareKeys)...), // [], not null
		Record: e.Record, Encrypted: e.Encrypted, Signature: e.Signature, Quote: e.Quote, Certificates: e.Certificates,
	})
	if err != nil {
		return nil, fmt.Errorf("encode evidence: %w", err)
	}
	if text = append(text, '\n'); len(text) > MaxEvidence {
		return nil, fmt.Errorf("encode evidence: %d bytes are more than %d", len(text), MaxEvidence)
	}
	return text, nil
}

// Decode parses evidence. It accepts what Encode returns, with any order of fields
// and any white space between them, and rejects additional or missing parts.
func Decode(text []byte) (Evidence, error) {
	e, err := decode(text)
	if err != nil {
		return Evidence{}, fmt.Errorf("decode evidence: %w", err)
	}
	return e, nil
}

func decode(text []byte) (Evidence, error) {
	if len(text) > MaxEvidence {
		return Evidence{}, fmt.Errorf("it has more than %d bytes", MaxEvidence)
	}
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return Evidence{}, err
	}
	if version.Version != Version {
		return Evidence{}, fmt.Errorf("its version is %d, this program reads %d", version.Version, Version)
	}
	var w wire
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&w); err != nil {
		return Evidence{}, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Evidence{}, errors.New("it has data after the JSON object")
	}
	nonce, err := DecodeNonce(w.Nonce)
	if err != nil {
		return Evidence{}, err
	}
	e := Evidence{
		Bound: Bound{Nonce: nonce, TLS: w.TLS, Keys: w.Keys},
		Proof: Proof{Kind: w.Kind, Record: w.Record, Encrypted: w.Encrypted, Signature: w.Signature, Quote: w.Quote, Certificates: w.Certificates},
	}
	return e, e.check()
}

// check returns an error unless the proof has the parts of its kind, and no others.
func (e Evidence) check() error {
	if err := checkNonce(e.Nonce); err != nil {
		return err
	}
	if err := checkKeys(e.Keys); err != nil {
		return err
	}
	if !slices.Contains(Kinds(), e.Kind) {
		return fmt.Errorf("its kind %q is unknown", e.Kind)
	}
	record := e.Kind == KindHPCR
	quote := e.Kind == KindTDX || e.Kind == KindSEVSNP
	switch {
	case record != (len(e.Record) > 0) || record != (len(e.Signature) > 0) || e.Encrypted && !record:
		return fmt.Errorf("a record and its signature belong to %s, and only to it", KindHPCR)
	case quote != (len(e.Quote) > 0):
		return fmt.Errorf("a quote belongs to %s and %s, and only to them", KindTDX, KindSEVSNP)
	case len(e.Certificates) > 0 && !quote:
		return errors.New("certificates belong to a quote")
	}
	return nil
}

// EncodeNonce returns a nonce as written in the request: base64url without padding
// (RFC 4648 section 5).
func EncodeNonce(nonce []byte) string { return base64.RawURLEncoding.EncodeToString(nonce) }

// DecodeNonce parses a nonce that EncodeNonce encoded.
func DecodeNonce(text string) ([]byte, error) {
	nonce, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || EncodeNonce(nonce) != text {
		return nil, errors.New("the nonce is not base64url without padding")
	}
	return nonce, checkNonce(nonce)
}
