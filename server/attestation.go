package server

import (
	"context"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/server/history"
)

// ErrNoEvidence is wrapped by the error of Config.Prove when the machine has no
// evidence.
var ErrNoEvidence = errors.New("this server can't show what it runs in: it has neither the record of a Hyper Protect runtime (is /var/hyperprotect mounted into the container?) nor a kernel that makes quotes")

// Prove returns the machine's proof, over data where the kind of proof allows it.
type Prove func(ctx context.Context, data [sha512.Size]byte) (attestation.Proof, error)

// TLSKey returns the digest of the public key of config's server certificate.
func TLSKey(config *tls.Config) (attestation.Digest, error) {
	certificate, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	if err != nil {
		return attestation.Digest{}, fmt.Errorf("%s: %w", EnvServerCertificate, err)
	}
	return attestation.DigestOf(certificate.RawSubjectPublicKeyInfo), nil
}

// attestation replies with evidence of what the server runs in, over the client's
// nonce and the server's public keys. It needs no parameters.
func (s *Server) attestation(w http.ResponseWriter, r *http.Request) error {
	nonce, err := attestation.DecodeNonce(r.URL.Query().Get(api.QueryNonce))
	if err != nil {
		return &api.ParameterError{Key: api.QueryNonce, Problem: fmt.Sprintf("%v: it takes the base64url of %d to %d random bytes", err, attestation.MinNonce, attestation.MaxNonce)}
	}
	evidence := attestation.Evidence{Bound: attestation.Bound{Nonce: nonce, TLS: s.TLSKey}}
	if evidence.Keys, err = s.publicKeys(); err != nil {
		return err
	}
	data, err := evidence.ReportData()
	if err != nil {
		return err
	}
	if evidence.Proof, err = s.Prove(r.Context(), data); err != nil {
		return err
	}
	text, err := attestation.Encode(evidence)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // an error means that the client is gone
	return nil
}

// publicKeys returns the keys that the manifest and the image of the latest build
// are signed with, and none before the first success.
func (s *Server) publicKeys() ([]attestation.Key, error) {
	record, build, err := s.History.Latest()
	if errors.Is(err, history.ErrNoSuccess) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	manifestKey, err := build.PublicKey()
	if err != nil {
		return nil, err
	}
	keys := []attestation.Key{{Use: attestation.UseManifest, SHA256: attestation.DigestOf(manifestKey)}}
	for _, signature := range record.Signatures {
		keys = append(keys, attestation.Key{Use: signature.Method, SHA256: attestation.DigestOf([]byte(signature.PublicKey))})
	}
	return keys, nil
}
