package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v4"

	"github.com/opensbs/sbs/client/contract"
)

// encryptCert NAME DURATION writes NAME.crt, an encryption certificate that ends
// in that time, and its NAME.key.
func encryptCert(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		ts.Fatalf("usage: encryptcert NAME DURATION")
	}
	left, err := time.ParseDuration(args[1])
	ts.Check(err)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Contract Encryption"},
		NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().Add(left),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	for name, block := range map[string]*pem.Block{
		".crt": {Type: "CERTIFICATE", Bytes: certificate}, ".key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+name), pem.EncodeToMemory(block), 0o600))
	}
}

// opens KEY CONTRACT PLAIN decrypts the sections of a contract, which must be
// those in clear, and verifies its signature with KEY.
func opens(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 3 {
		ts.Fatalf("usage: opens KEY CONTRACT PLAIN")
	}
	key, err := contract.ParseSigningKey([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	deployed, err := contract.Parse([]byte(ts.ReadFile(args[1])))
	ts.Check(err)
	plain, err := contract.Parse([]byte(ts.ReadFile(args[2])))
	ts.Check(err)
	for section, want := range map[string]string{deployed.Workload: plain.Workload, deployed.Env: plain.Env} {
		got, err := contract.Open(section, key)
		ts.Check(err)
		if string(got) != want {
			ts.Fatalf("opened\n%s\nwant\n%s", got, want)
		}
	}
	ts.Check(deployed.Verify(&key.PublicKey))
}

// section CONTRACT NAME FILE writes the text of a section to a file.
func section(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 3 {
		ts.Fatalf("usage: section CONTRACT NAME FILE")
	}
	sections := map[string]string{}
	ts.Check(yaml.Load([]byte(ts.ReadFile(args[0])), &sections))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(sections[args[1]]), 0o600))
}

// documented PAGE NAME... writes files that a page of the documentation shows:
// the indented block after the line "`NAME`:".
func documented(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: documented PAGE NAME...")
	}
	page := ts.ReadFile(args[0])
	for _, name := range args[1:] {
		block := regexp.MustCompile("(?m)^`" + regexp.QuoteMeta(name) + "`:\n\n((?:    .*\n|\n)+)").FindStringSubmatch(page)
		if block == nil {
			ts.Fatalf("%s shows no %s", args[0], name)
		}
		var text strings.Builder
		for line := range strings.Lines(strings.TrimRight(block[1], "\n") + "\n") {
			text.WriteString(strings.TrimPrefix(line, "    "))
		}
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text.String()), 0o600))
	}
}

// commands PAGE PATTERN... writes commands.sh: the indented lines of a page that
// match one of the patterns, in their order.
func commands(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: commands PAGE PATTERN...")
	}
	page := ts.ReadFile(args[0])
	var script strings.Builder
	for _, pattern := range args[1:] {
		line := regexp.MustCompile("(?m)^    (.*" + pattern + ".*)$").FindStringSubmatch(page)
		if line == nil {
			ts.Fatalf("%s shows no command like %s", args[0], pattern)
		}
		script.WriteString(line[1] + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs("commands.sh"), []byte(script.String()), 0o600))
}
