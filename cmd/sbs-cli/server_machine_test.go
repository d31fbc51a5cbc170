//go:build linux

package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/client/instanceenv"
	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/server"
)

// machine is what a server runs in.
type machine struct {
	inside  *enclave.Enclave
	values  instanceenv.Values // of the server's environment
	records string             // folder of the runtime's attestation record
}

// getenv returns the environment values that the certificates are read from.
func (m machine) getenv(name string) string {
	return map[string]string{
		server.EnvClientCertificate: m.values.ClientCert, server.EnvClientCA: m.values.ClientCA,
		server.EnvServerCertificate: m.values.ServerCert, server.EnvServerKey: m.values.ServerKey,
	}[name]
}

func (m machine) prove(ctx context.Context, data [64]byte) (attestation.Proof, error) {
	evidence, err := m.inside.Evidence(ctx, enclave.NewMachine(m.records, nil), data)
	return attestation.Proof(evidence), err
}

// simulatedMachine makes a simulated enclave, and the environment of a server in it as
// instance-env does.
func (s *script) simulatedMachine(ts *testscript.TestScript) machine {
	folder := s.t.TempDir()
	inside, err := enclave.Simulate(folder)
	ts.Check(err)
	return machine{inside: inside, values: s.instanceEnv(ts, filepath.Join(folder, enclave.FilePublicKey))}
}

func (s *script) instanceEnv(ts *testscript.TestScript, imageKey string) instanceenv.Values {
	image, err := instanceenv.ReadPublicKey(imageKey, time.Now())
	ts.Check(err)
	values, err := instanceenv.Make(s.files, "localhost", image, time.Now())
	ts.Check(err)
	return values
}

// deployedMachine makes the secrets of a server image, deploys it by a contract, and
// writes what the deployer then has: user-data.yaml, attestation.crt and root.pem.
func (s *script) deployedMachine(ts *testscript.TestScript) machine {
	made, err := enclave.Generate(nil)
	ts.Check(err)
	secrets := map[string]string{}
	for _, value := range made.Values {
		secrets[value[0]] = value[1]
	}
	inside, err := enclave.FromContract(func(name string) string { return secrets[name] })
	ts.Check(err)
	folder := s.t.TempDir()
	imageKey := filepath.Join(folder, "image.asc")
	ts.Check(os.WriteFile(imageKey, made.PublicKey, 0o600))
	m := machine{inside: inside, values: s.instanceEnv(ts, imageKey), records: folder}

	env := "env:\n" + strings.ReplaceAll("\n"+strings.TrimSuffix(m.values.YAML(), "\n"), "\n", "\n  ")[1:] + "\n"
	workload := "hyper-protect-basic.AAAA." + base64.StdEncoding.EncodeToString([]byte("Salted__8 bytes.sixteen bytes..."))
	ts.Check(os.WriteFile(ts.MkAbs("user-data.yaml"), fmt.Appendf(nil, "workload: %q\nenv: %q\n", workload, env), 0o600))
	writeRecord(ts, folder, fmt.Appendf(nil, "25.11.0\n%s contract:workload\n%s contract:env\n",
		attestation.DigestOf([]byte(workload)), attestation.DigestOf([]byte(env))))
	return m
}

// writeRecord signs an attestation record as a runtime does, and writes it into folder.
// The chain of its certificate is attestation.crt and root.pem of the script.
func writeRecord(ts *testscript.TestScript, folder string, record []byte) {
	text, err := os.ReadFile(filepath.Join("..", "..", "client", "attest", "testdata", "runtime-key.pem"))
	ts.Check(err)
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	ts.Check(err)
	key := parsed.(*rsa.PrivateKey)
	for _, name := range []string{"root.pem", "attestation.crt"} {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, Issuer: pkix.Name{CommonName: "root.pem"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		}
		parent := &x509.Certificate{Subject: template.Issuer}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(name), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	}
	digest := sha256.Sum256(record)
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(folder, "se-checksums.txt"), record, 0o600))
	ts.Check(os.WriteFile(filepath.Join(folder, "se-signature.bin"), signature, 0o600))
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
