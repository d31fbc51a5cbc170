package attest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/client/contract"
)

var hpcrChecks = []string{checkKind, checkChain, checkSignature, checkRecord, contract.RecordEnv, contract.RecordWorkload}

func TestRuntimeRecordPasses(t *testing.T) {
	whole := deploy(t)
	withTLS := append(hpcrChecks[:len(hpcrChecks):len(hpcrChecks)], checkTLS)
	t.Run("sections in clear", func(t *testing.T) {
		d := whole.copy()
		report, err := d.check()
		passed(t, report, err, withTLS...)
	})
	t.Run("encrypted section", func(t *testing.T) {
		d := whole.copy()
		d.policy.PlainContract = d.policy.Contract
		d.env = encryptedSection
		d.make(t)
		d.policy.Contract = d.contract(t, d.workload, d.env)
		report, err := d.check()
		passed(t, report, err, withTLS...)
	})
	t.Run("encrypted record", func(t *testing.T) {
		d := whole.copy()
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
		d := whole.copy()
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
	whole := deploy(t)
	expired := func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) }
	for name, test := range map[string]struct {
		change      func(*testing.T, *deployment)
		check, says string
	}{
		"wrong root": {func(t *testing.T, d *deployment) {
			d.policy.Root = (*issuer)(nil).issue(t, "root", newKey(t), authority).file(t)
		}, checkChain, "does not lead to the given root"},
		"attestation certificate of somebody else": {func(t *testing.T, d *deployment) {
			other := (*issuer)(nil).issue(t, "signing key", newKey(t), nil)
			d.policy.Certificate = other.issue(t, "attestation", d.key, nil).file(t)
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
		"other workload": {func(t *testing.T, d *deployment) { d.policy.Contract = d.contract(t, otherSection, d.env) }, checkContract, "another contract"},
		"other env":      {func(t *testing.T, d *deployment) { d.policy.Contract = d.contract(t, d.workload, d.env+"x: 1\n") }, checkContract, "another contract"},
		"workload in clear": {func(t *testing.T, d *deployment) {
			d.workload = "type: workload\nenv:\n  IMAGE_KEY: in clear\n"
			d.make(t)
			d.policy.Contract = d.contract(t, d.workload, d.env)
		}, checkContract, "is not encrypted"},
		"workload that only looks encrypted": {func(t *testing.T, d *deployment) {
			d.workload = "hyper-protect-basic.cGFzc3dvcmQ=.d29ya2xvYWQ="
			d.make(t)
			d.policy.Contract = d.contract(t, d.workload, d.env)
		}, checkContract, "is not encrypted"},
		"SERVER_KEY in clear": {func(t *testing.T, d *deployment) {
			d.env = envWith(d.peer, asPEM("PRIVATE KEY", []byte("key")))
			d.make(t)
			d.policy.Contract = d.contract(t, d.workload, d.env)
		}, checkTLS, "anyone who reads the contract has the server's key"},
		"SERVER_KEY in a message that is not encrypted": {func(t *testing.T, d *deployment) {
			d.env = envWith(d.peer, armoredMessage(false))
			d.make(t)
			d.policy.Contract = d.contract(t, d.workload, d.env)
		}, checkTLS, "not encrypted to a public key"},
		"no SERVER_KEY": {func(t *testing.T, d *deployment) {
			d.env = envWith(d.peer, nil)
			d.make(t)
			d.policy.Contract = d.contract(t, d.workload, d.env)
		}, checkTLS, "missing"},
		"a plain contract that differs from the one in clear": {func(t *testing.T, d *deployment) {
			d.policy.PlainContract = d.contract(t, d.workload, d.env+"more: 1\n")
		}, checkTLS, "differs from the one"},
		"no workload": {func(t *testing.T, d *deployment) { d.policy.Contract = d.contract(t, "", d.env) }, checkPolicy, "has the sections workload and env"},
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
		"other TLS key at the other end": {func(t *testing.T, d *deployment) { d.peer, _ = server(t) }, checkTLS, "is in between"},
		"other nonce":                    {func(t *testing.T, d *deployment) { d.evidence.Nonce = make([]byte, 24) }, checkNonce, "replays"},
		"only the encrypted contract": {func(t *testing.T, d *deployment) {
			d.env = encryptedSection
			d.make(t)
			d.policy.Contract = d.contract(t, d.workload, d.env)
		}, checkTLS, "is encrypted, so that SERVER_CRT"},
		"encrypted record without its key": {func(t *testing.T, d *deployment) { d.encrypt(t, &d.key.PublicKey) }, checkRecord, "is encrypted"},
		"record in clear, where the policy has a key": {func(t *testing.T, d *deployment) {
			d.policy.AttestationKey = file(t, asPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(d.key)))
		}, checkRecord, "in clear"},
		"encrypted record with another key": {func(t *testing.T, d *deployment) {
			d.encrypt(t, &d.key.PublicKey)
			key, err := rsa.GenerateKey(rand.Reader, 4096-2048)
			if err != nil {
				t.Fatal(err)
			}
			d.policy.AttestationKey = file(t, asPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)))
		}, checkRecord, "another key"},
		"no policy":   {func(t *testing.T, d *deployment) { d.policy = nil }, checkPolicy, "does not name the contract"},
		"no root":     {func(t *testing.T, d *deployment) { d.policy.Root = "" }, checkPolicy, "names no"},
		"no contract": {func(t *testing.T, d *deployment) { d.policy.Contract = "missing" }, checkPolicy, "missing"},
	} {
		t.Run(name, func(t *testing.T) {
			d := whole.copy()
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
