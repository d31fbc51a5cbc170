package attest

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/client/contract"
)

// deployment is a server on a Hyper Protect runtime, and what its user has of
// it. The chain is like IBM's: the certificate above the attestation certificate
// signs code and is no authority.
type deployment struct {
	root, authority, signing, runtime *issuer
	key                               *rsa.PrivateKey // of the runtime

	peer     *x509.Certificate
	workload string
	env      string
	record   string
	evidence attestation.Evidence
	policy   *HPCR
}

// runtimeKey was made for these tests and protects nothing.
func runtimeKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := readRSAKey(filepath.Join("testdata", "runtime-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func deploy(t *testing.T) *deployment {
	t.Helper()
	d := &deployment{key: runtimeKey(t)}
	d.root = (*issuer)(nil).issue(t, "root", newKey(t), authority)
	d.authority = d.root.issue(t, "authority", newKey(t), authority)
	d.signing = d.authority.issue(t, "signing key", newKey(t), func(c *x509.Certificate) {
		c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	})
	d.runtime = d.signing.issue(t, "attestation", d.key, nil)

	var bound attestation.Bound
	d.peer, bound = server(t)
	d.evidence = attestation.Evidence{Bound: bound, Proof: attestation.Proof{Kind: attestation.KindHPCR}}
	d.workload = encryptedSection
	d.env = plainEnv(d.peer)
	d.make(t)
	d.policy = &HPCR{
		Contract:    d.contract(t, d.workload, d.env),
		Certificate: d.runtime.file(t), Chain: []string{d.signing.file(t), d.authority.file(t)}, Root: d.root.file(t),
	}
	return d
}

// copy is the same deployment for one test to change. A deployment of its own
// would need another RSA-4096 signature.
func (d *deployment) copy() *deployment {
	same, policy := *d, *d.policy
	same.evidence.Record, same.evidence.Signature = bytes.Clone(d.evidence.Record), bytes.Clone(d.evidence.Signature)
	policy.Chain = slices.Clone(policy.Chain)
	same.policy = &policy
	return &same
}

// Texts in the format of encrypted sections. They can't be decrypted.
var (
	encryptedSection = "hyper-protect-basic.cGFzc3dvcmQ=." + base64.StdEncoding.EncodeToString([]byte("Salted__8 bytes.sixteen bytes..."))
	otherSection     = "hyper-protect-basic.cGFzc3dvcmQ=." + base64.StdEncoding.EncodeToString([]byte("Salted__8 bytes.other 16 bytes.."))
)

func plainEnv(certificate *x509.Certificate) string { return envWith(certificate, sealedKey()) }

func envWith(certificate *x509.Certificate, key []byte) string {
	encode := base64.StdEncoding.EncodeToString
	return "type: env\nenv:\n  SERVER_CRT: " + encode(asPEM("CERTIFICATE", certificate.Raw)) + "\n  SERVER_KEY: " + encode(key) + "\n"
}

// sealedKey is a SERVER_KEY as instance-env writes it.
var sealedKey = sync.OnceValue(func() []byte { return armoredMessage(true) })

// armoredMessage returns an OpenPGP message, encrypted to a key that is discarded, or not
// encrypted.
func armoredMessage(encrypted bool) []byte {
	var message bytes.Buffer
	armored, err := armor.Encode(&message, "PGP MESSAGE", nil)
	if err != nil {
		panic(err)
	}
	var text io.WriteCloser
	if encrypted {
		var entity *openpgp.Entity
		if entity, err = openpgp.NewEntity("image", "", "", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}); err == nil {
			text, err = openpgp.Encrypt(armored, []*openpgp.Entity{entity}, nil, nil, nil)
		}
	} else {
		text, err = packet.SerializeLiteral(armored, true, "", 0)
	}
	if err != nil {
		panic(err)
	}
	if _, err := text.Write(asPEM("PRIVATE KEY", []byte("key"))); err != nil {
		panic(err)
	}
	if err := errors.Join(text.Close(), armored.Close()); err != nil {
		panic(err)
	}
	return message.Bytes()
}

// make makes and signs the record.
func (d *deployment) make(t *testing.T) {
	t.Helper()
	d.record = "25.11.0\nMachine Type/Plant/Serial: 9175/02/C25B8\nImage age: 5 days since creation.\n" +
		line("root of the runtime", "root.tar.gz") + line(d.workload, contract.RecordWorkload+" ") + line(d.env, contract.RecordEnv)
	d.sign(t)
}

func (d *deployment) sign(t *testing.T) {
	t.Helper()
	digest := sha256.Sum256([]byte(d.record))
	signature, err := rsa.SignPKCS1v15(rand.Reader, d.key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	d.evidence.Record, d.evidence.Signature = []byte(d.record), signature
}

func line(content, name string) string {
	return fmt.Sprintf("%s %s\n", attestation.DigestOf([]byte(content)), name)
}

func (d *deployment) contract(t *testing.T, workload, env string) string {
	t.Helper()
	return file(t, fmt.Appendf(nil, "workload: %q\nenv: %q\nenvWorkloadSignature: c2ln\n", workload, env))
}

// encrypt hands the record out encrypted, as a contract's attestationPublicKey
// requires it.
func (d *deployment) encrypt(t *testing.T, key *rsa.PublicKey) {
	t.Helper()
	password, salt := []byte("a password"), []byte("8 bytes.")
	//lint:ignore SA1019 The runtime makes no other padding.
	sealed, err := rsa.EncryptPKCS1v15(rand.Reader, key, password)
	if err != nil {
		t.Fatal(err)
	}
	derived, err := pbkdf2.Key(sha256.New, string(password), salt, 10_000, 48)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		t.Fatal(err)
	}
	padding := aes.BlockSize - len(d.record)%aes.BlockSize
	text := append([]byte(d.record), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, derived[32:]).CryptBlocks(text, text)
	body := append([]byte("Salted__"), append(salt, text...)...)
	d.evidence.Encrypted = true
	d.evidence.Record = fmt.Appendf(nil, "hyper-protect-basic.%s.%s\n", base64.StdEncoding.EncodeToString(sealed), base64.StdEncoding.EncodeToString(body))
}

func (d *deployment) check() (Report, error) {
	policy := Policy{HPCR: d.policy}
	return policy.Check(d.evidence, Session{Nonce: []byte("a nonce of 24 bytes, yes"), Peer: d.peer, Now: now})
}
