package attest

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/contract"
)

// Names of the checks of a Hyper Protect runtime's record.
const (
	checkChain     = "certificate chain"
	checkRecord    = "record"
	checkSignature = "signature"
	checkContract  = "contract"
)

// signatureBits is the size of the runtime's attestation key.
const signatureBits = 4096

// checkHPCR checks a record. It was made at deployment, so that no nonce is in
// it; what makes it this server's is the contract. The record has the hash of
// the env section, the env section has the server's certificate, and the key of
// that certificate can be opened by the contract's enclave alone.
func (p *Policy) checkHPCR(report *Report, e attestation.Evidence, s Session) error {
	policy := p.HPCR
	if policy == nil || policy.Contract == "" {
		return refuse(checkPolicy, advice.New(errors.New("it does not name the contract of the server's deployment"), "give --contract user-data.yaml, or hpcr in the policy file"))
	}
	chain, err := policy.chain()
	if err != nil {
		return refuse(checkPolicy, err)
	}
	path, err := chain.verify(s.Now)
	if err != nil {
		return refuse(checkChain, err)
	}
	report.pass(checkChain, names(path), "the attestation key belongs to a runtime of the owner of the root")
	if len(chain.lists) == 0 {
		report.Unproven = append(report.Unproven, "that no certificate of the chain is revoked: the policy names no revocation lists")
	}
	text, err := policy.clear(e)
	if err != nil {
		return refuse(checkRecord, err)
	}
	if err := verifyRecord(chain.leaf, text, e.Signature); err != nil {
		return refuse(checkSignature, err)
	}
	report.pass(checkSignature, "RSA-4096, SHA-256", "the record was made by that runtime, inside the enclave")
	parsed, err := parseRecord(text)
	if err != nil {
		return refuse(checkRecord, err)
	}
	report.pass(checkRecord, strings.Join(parsed.prose, "; "), "what the runtime reports of itself and its machine")
	if err := policy.sections(report, parsed); err != nil {
		return err
	}
	return policy.bindTLS(report, s.Peer)
}

// clear is the record itself.
func (h *HPCR) clear(e attestation.Evidence) ([]byte, error) {
	switch {
	case e.Encrypted:
	case h.AttestationKey != "":
		return nil, advice.New(errors.New("the record is in clear, and the policy names a key that it is encrypted to"),
			"leave --attestation-key, or attestation_key in the policy, out where the contract has no attestationPublicKey")
	default:
		return e.Record, nil
	}
	if h.AttestationKey == "" {
		return nil, advice.New(errors.New("the record is encrypted to the attestationPublicKey of the contract"), "give its private key: --attestation-key FILE, or attestation_key in the policy")
	}
	return decryptRecord(e.Record, h.AttestationKey)
}

func verifyRecord(certificate *x509.Certificate, text, signature []byte) error {
	key, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < signatureBits {
		return fmt.Errorf("%s has no RSA key of %d bits", name(certificate), signatureBits)
	}
	digest := sha256.Sum256(text)
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature); err != nil {
		return fmt.Errorf("the record was not signed by the key of %s, or was changed", name(certificate))
	}
	return nil
}

// sections holds the local contract, and what else is expected, against the
// record.
func (h *HPCR) sections(report *Report, r record) error {
	deployed, err := readContract(h.Contract)
	if err != nil {
		return refuse(checkPolicy, err)
	}
	if !isToken(deployed.Workload) {
		return refuse(checkContract, advice.New(fmt.Errorf("the workload section in %s is not encrypted: the host can read the image's key in it, and open SERVER_KEY with that", h.Contract),
			"deploy the server with the encrypted workload section that the provider of its image gives out, and a new SERVER_KEY"))
	}
	expected := map[string]string{contract.RecordWorkload: deployed.Workload, contract.RecordEnv: deployed.Env}
	if _, encrypted := r.sums[contract.RecordAttestationPublicKey]; encrypted || deployed.AttestationPublicKey != "" {
		expected[contract.RecordAttestationPublicKey] = deployed.AttestationPublicKey
	}
	for _, sum := range slices.Sorted(maps.Keys(expected)) {
		if err := r.hasText(sum, expected[sum]); err != nil {
			return refuse(checkContract, fmt.Errorf("the server was deployed with another contract than %s: %w", h.Contract, err))
		}
		report.pass(sum, r.sums[sum].String(), "this section of the contract is the one that was deployed")
	}
	for _, file := range slices.Sorted(maps.Keys(h.Checksums)) {
		var want attestation.Digest
		if err := want.UnmarshalText([]byte(h.Checksums[file])); err != nil {
			return refuse(checkPolicy, fmt.Errorf("checksums of the policy: %s: %w", file, err))
		}
		if err := r.has(file, want); err != nil {
			return refuse(checkMeasurement, err)
		}
		report.pass(file, want.String(), "this part of the runtime is the one that the policy names")
	}
	return nil
}

// hasText requires the checksum of a section as it is written: a token, or YAML
// in clear, whose last line may have lost its end.
func (r record) hasText(name, text string) error {
	if text == "" {
		return fmt.Errorf("it has no %s", strings.TrimPrefix(name, "contract:"))
	}
	err := r.has(name, attestation.DigestOf([]byte(text)))
	if trimmed := strings.TrimRight(text, "\r\n"); err != nil && trimmed != text {
		if r.has(name, attestation.DigestOf([]byte(trimmed))) == nil {
			return nil
		}
	}
	return err
}

// bindTLS requires the TLS key at the other end to be that of the contract's
// SERVER_CRT.
func (h *HPCR) bindTLS(report *Report, peer *x509.Certificate) error {
	certificate, where, err := h.deployedServer()
	if err != nil {
		return refuse(checkTLS, err)
	}
	if !bytes.Equal(certificate.RawSubjectPublicKeyInfo, peer.RawSubjectPublicKeyInfo) {
		return refuse(checkTLS, fmt.Errorf("the server at the other end does not hold the key of SERVER_CRT in %s: it is not the one that was deployed", where))
	}
	report.pass(checkTLS, attestation.DigestOf(peer.RawSubjectPublicKeyInfo).String(), "the server of this TLS connection is the one that the contract deployed")
	if where != h.Contract {
		report.Unproven = append(report.Unproven, "that the encrypted env section has the content of "+h.PlainContract+": you made both")
	}
	report.Unproven = append(report.Unproven, "freshness: the record is from the time of deployment. SERVER_KEY is encrypted, and the key that opens it is in the encrypted workload section: only the enclave holds the TLS key, unless the provider of the image or the maker of SERVER_KEY kept a copy")
	if len(report.Keys) > 0 {
		report.Unproven = append(report.Unproven, "the keys by the record itself, which is older than they are; they came over the connection to the enclave")
	}
	return nil
}

func names(path []*x509.Certificate) string {
	var list []string
	for _, certificate := range path {
		list = append(list, certificate.Subject.CommonName)
	}
	return strings.Join(list, " < ")
}
