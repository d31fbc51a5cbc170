package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/attestation"
)

// attestation replies as a simulated enclave, or with the record that deploy
// made.
func (p *peer) attestation(w http.ResponseWriter, r *http.Request) {
	nonce, err := attestation.DecodeNonce(r.URL.Query().Get(api.QueryNonce))
	if err != nil {
		panic(err)
	}
	evidence := attestation.Evidence{
		Bound: attestation.Bound{Nonce: nonce, TLS: p.tlsKey, Keys: []attestation.Key{{Use: attestation.UseManifest}}},
		Proof: attestation.Proof{Kind: attestation.KindSimulated},
	}
	if p.wants["hpcr"] {
		evidence.Proof = attestation.Proof{Kind: attestation.KindHPCR, Record: p.record, Signature: p.recordSignature}
	}
	text, err := attestation.Encode(evidence)
	if err != nil {
		panic(err)
	}
	p.attested.Store(true)
	if _, err := w.Write(text); err != nil {
		return // the client has gone
	}
}

// deploy makes what the user of a Hyper Protect runtime has: attestation.crt,
// root.pem and user-data.yaml, and the record that the runtime hands out.
func (p *peer) deploy(ts *testscript.TestScript, server tls.Certificate) {
	text, err := os.ReadFile(filepath.Join("..", "..", "client", "attest", "testdata", "runtime-key.pem"))
	ts.Check(err)
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	ts.Check(err)
	runtimeKey := parsed.(*rsa.PrivateKey)
	for _, name := range []string{"root.pem", "attestation.crt"} {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, Issuer: pkix.Name{CommonName: "root.pem"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		}
		parent := &x509.Certificate{Subject: template.Issuer}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, runtimeKey.Public(), runtimeKey)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(name), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate[0]})
	key, err := os.ReadFile(filepath.Join("testdata", "server-key.asc"))
	ts.Check(err)
	env := "env:\n  SERVER_CRT: " + base64.StdEncoding.EncodeToString(certificate) + "\n  SERVER_KEY: " + base64.StdEncoding.EncodeToString(key) + "\n"
	workload := "hyper-protect-basic.AAAA." + base64.StdEncoding.EncodeToString([]byte("Salted__8 bytes.sixteen bytes..."))
	ts.Check(os.WriteFile(ts.MkAbs("user-data.yaml"), fmt.Appendf(nil, "workload: %q\nenv: %q\n", workload, env), 0o600))
	p.record = fmt.Appendf(nil, "25.11.0\n%s contract:workload\n%s contract:env\n", attestation.DigestOf([]byte(workload)), attestation.DigestOf([]byte(env)))
	digest := sha256.Sum256(p.record)
	p.recordSignature, err = rsa.SignPKCS1v15(rand.Reader, runtimeKey, crypto.SHA256, digest[:])
	ts.Check(err)
}

// swap lets another server, with the certificate other.pem, take the place of the
// one that was attested.
func (p *peer) swap(ts *testscript.TestScript, config *tls.Config) {
	certificate, err := tls.LoadX509KeyPair(ts.MkAbs("other.pem"), ts.MkAbs("other-key.pem"))
	ts.Check(err)
	other := config.Clone()
	other.Certificates = []tls.Certificate{certificate}
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if p.attested.Load() {
			return other, nil
		}
		return nil, nil
	}
}

// attesting FILE POLICY copies sbs-config.json to FILE with REQUIRE_ATTESTATION.
func attesting(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		ts.Fatalf("usage: attesting FILE POLICY")
	}
	config, err := os.ReadFile(ts.MkAbs("sbs-config.json"))
	ts.Check(err)
	changed := strings.Replace(string(config), "{", `{"Require_Attestation": `+args[1]+`, `, 1)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(changed), 0o600))
}
