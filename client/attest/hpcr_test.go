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
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

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
	d.workload = "hyper-protect-basic.cGFzc3dvcmQ=.d29ya2xvYWQ="
	d.env = plainEnv(d.peer)
	d.make(t)
	d.policy = &HPCR{
		Contract:    d.contract(t, d.workload, d.env),
		Certificate: d.runtime.file(t), Chain: []string{d.signing.file(t), d.authority.file(t)}, Root: d.root.file(t),
	}
	return d
}

func plainEnv(certificate *x509.Certificate) string {
	return "type: env\nenv:\n  SERVER_CRT: " + base64.StdEncoding.EncodeToString(asPEM("CERTIFICATE", certificate.Raw)) + "\n"
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
// demands it.
func (d *deployment) encrypt(t *testing.T, key *rsa.PublicKey) {
	t.Helper()
	password, salt := []byte("a password"), []byte("8 bytes.")
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

var hpcrChecks = []string{checkKind, checkChain, checkSignature, checkRecord, contract.RecordEnv, contract.RecordWorkload}

func TestRuntimeRecordPasses(t *testing.T) {
	withTLS := append(hpcrChecks[:len(hpcrChecks):len(hpcrChecks)], checkTLS)
	t.Run("sections in clear", func(t *testing.T) {
		d := deploy(t)
		report, err := d.check()
		passed(t, report, err, withTLS...)
	})
	t.Run("encrypted section", func(t *testing.T) {
		d := deploy(t)
		d.policy.PlainContract = d.policy.Contract
		d.env = "hyper-protect-basic.cGFzc3dvcmQ=.ZW52"
		d.make(t)
		d.policy.Contract = d.contract(t, d.workload, d.env)
		report, err := d.check()
		passed(t, report, err, withTLS...)
	})
	t.Run("encrypted record", func(t *testing.T) {
		d := deploy(t)
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		d.encrypt(t, &key.PublicKey)
		d.policy.AttestationKey = file(t, asPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)))
		report, err := d.check()
		passed(t, report, err, withTLS...)
	})
	t.Run("checksums and revocation lists", func(t *testing.T) {
		d := deploy(t)
		d.policy.Checksums = map[string]string{"root.tar.gz": attestation.DigestOf([]byte("root of the runtime")).String()}
		d.policy.RevocationLists = []string{d.revocations(t, d.authority, now.AddDate(0, 1, 0), d.root.certificate)}
		report, err := d.check()
		passed(t, report, err, append(hpcrChecks[:len(hpcrChecks):len(hpcrChecks)], "root.tar.gz", checkTLS)...)
	})
}

// revocations is a list by i that revokes certificates.
func (d *deployment) revocations(t *testing.T, i *issuer, until time.Time, revoked ...*x509.Certificate) string {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.AddDate(0, -1, 0), NextUpdate: until}
	for _, certificate := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: certificate.SerialNumber, RevocationTime: now.AddDate(0, 0, -1)})
	}
	signer := *i.certificate
	signer.KeyUsage |= x509.KeyUsageCRLSign
	signer.SubjectKeyId = []byte("signer")
	der, err := x509.CreateRevocationList(rand.Reader, list, &signer, i.key)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, der)
}

func TestRuntimeRecordIsRefused(t *testing.T) {
	expired := func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) }
	for name, test := range map[string]struct {
		change      func(*testing.T, *deployment)
		check, says string
	}{
		"wrong root": {func(t *testing.T, d *deployment) {
			d.policy.Root = (*issuer)(nil).issue(t, "root", newKey(t), authority).file(t)
		}, checkChain, "does not lead to the given root"},
		"attestation certificate of somebody else": {func(t *testing.T, d *deployment) {
			d.policy.Certificate = (*issuer)(nil).issue(t, "attestation", d.key, func(c *x509.Certificate) { c.Issuer.CommonName = "signing key" }).file(t)
		}, checkChain, "none of the given certificates signed"},
		"chain with a gap": {func(t *testing.T, d *deployment) { d.policy.Chain = d.policy.Chain[:1] }, checkChain, "does not lead"},
		"expired attestation certificate": {func(t *testing.T, d *deployment) {
			d.policy.Certificate = d.signing.issue(t, "attestation", d.key, expired).file(t)
		}, checkChain, "expired on"},
		"expired signing key certificate": {func(t *testing.T, d *deployment) {
			signing := d.authority.issue(t, "signing key", d.signing.key, expired)
			d.policy.Chain[0] = signing.file(t)
		}, checkChain, "expired"},
		"not valid yet": {func(t *testing.T, d *deployment) {
			d.policy.Certificate = d.signing.issue(t, "attestation", d.key, func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) }).file(t)
		}, checkChain, "not valid before"},
		"revoked attestation certificate": {func(t *testing.T, d *deployment) {
			d.policy.RevocationLists = []string{d.revocations(t, d.signing, now.AddDate(0, 1, 0), d.runtime.certificate)}
		}, checkChain, "was revoked"},
		"old revocation list": {func(t *testing.T, d *deployment) {
			d.policy.RevocationLists = []string{d.revocations(t, d.authority, now.Add(-time.Hour))}
		}, checkChain, "out of date"},
		"revocation list of somebody else": {func(t *testing.T, d *deployment) {
			other := (*issuer)(nil).issue(t, "authority", newKey(t), authority)
			d.policy.RevocationLists = []string{d.revocations(t, other, now.AddDate(0, 1, 0))}
		}, checkChain, "signed by no certificate of the chain"},
		"changed record":    {func(t *testing.T, d *deployment) { d.evidence.Record = append(d.evidence.Record, '\n') }, checkSignature, "was changed"},
		"changed signature": {func(t *testing.T, d *deployment) { d.evidence.Signature[9]++ }, checkSignature, "not signed by"},
		"short attestation key": {func(t *testing.T, d *deployment) {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				t.Fatal(err)
			}
			d.key = key
			d.policy.Certificate = d.signing.issue(t, "attestation", key, nil).file(t)
			d.sign(t)
		}, checkSignature, "4096"},
		"other workload": {func(t *testing.T, d *deployment) { d.policy.Contract = d.contract(t, d.workload+"x", d.env) }, checkContract, "another contract"},
		"other env":      {func(t *testing.T, d *deployment) { d.policy.Contract = d.contract(t, d.workload, d.env+"x: 1\n") }, checkContract, "another contract"},
		"no workload":    {func(t *testing.T, d *deployment) { d.policy.Contract = d.contract(t, "", d.env) }, checkPolicy, "has the sections workload and env"},
		"record with another attestation key": {func(t *testing.T, d *deployment) {
			d.record += line("key", contract.RecordAttestationPublicKey)
			d.sign(t)
		}, checkContract, "has no attestationPublicKey"},
		"the same section twice": {func(t *testing.T, d *deployment) {
			d.record += line("other", contract.RecordEnv)
			d.sign(t)
		}, checkRecord, "twice"},
		"nothing in it": {func(t *testing.T, d *deployment) {
			d.record = "25.11.0\n"
			d.sign(t)
		}, checkRecord, "no checksums"},
		"other runtime": {func(t *testing.T, d *deployment) {
			d.policy.Checksums = map[string]string{"root.tar.gz": attestation.DigestOf([]byte("x")).String()}
		}, checkMeasurement, "root.tar.gz"},
		"other TLS key in the contract": {func(t *testing.T, d *deployment) {
			other, _ := server(t)
			d.env = plainEnv(other)
			d.make(t)
			d.policy.Contract = d.contract(t, d.workload, d.env)
		}, checkTLS, "does not hold the key of SERVER_CRT"},
		"other TLS key at the other end": {func(t *testing.T, d *deployment) { d.peer, _ = server(t) }, checkTLS, "stands in between"},
		"other nonce":                    {func(t *testing.T, d *deployment) { d.evidence.Nonce = make([]byte, 24) }, checkNonce, "replays"},
		"only the encrypted contract": {func(t *testing.T, d *deployment) {
			d.env = "hyper-protect-basic.cGFzc3dvcmQ=.ZW52"
			d.make(t)
			d.policy.Contract = d.contract(t, d.workload, d.env)
		}, checkTLS, "no SERVER_CRT in clear"},
		"encrypted record without its key": {func(t *testing.T, d *deployment) { d.encrypt(t, &d.key.PublicKey) }, checkRecord, "is encrypted"},
		"encrypted record with another key": {func(t *testing.T, d *deployment) {
			d.encrypt(t, &d.key.PublicKey)
			key, err := rsa.GenerateKey(rand.Reader, 4096-2048)
			if err != nil {
				t.Fatal(err)
			}
			d.policy.AttestationKey = file(t, asPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)))
		}, checkRecord, "another key"},
		"no policy":   {func(t *testing.T, d *deployment) { d.policy = nil }, checkPolicy, "which contract"},
		"no root":     {func(t *testing.T, d *deployment) { d.policy.Root = "" }, checkPolicy, "names no"},
		"no contract": {func(t *testing.T, d *deployment) { d.policy.Contract = "missing" }, checkPolicy, "missing"},
	} {
		t.Run(name, func(t *testing.T) {
			d := deploy(t)
			test.change(t, d)
			report, err := d.check()
			refusal(t, err, test.check, test.says)
			if report.Accepted {
				t.Error("and yet accepted")
			}
		})
	}
}

// TestDecryptsWhatOpenSSLEncrypts opens a token that the openssl program made.
func TestDecryptsWhatOpenSSLEncrypts(t *testing.T) {
	token, err := os.ReadFile(filepath.Join("testdata", "record.enc"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := decryptRecord(token, filepath.Join("testdata", "runtime-key.pem"))
	if err != nil || string(got) != "25.11.0\n"+line("x", contract.RecordEnv) {
		t.Errorf("got %q, %v", got, err)
	}
}
