package contract

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "write the golden files again")

var now = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

// testKey is the platform's key in tests, and the deployer's.
func testKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	text, err := os.ReadFile("testdata/key.pem")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseSigningKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certificatePEM is an encryption certificate for key, valid from a day before
// now until end.
func certificatePEM(t testing.TB, key *rsa.PrivateKey, end time.Time) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Contract Encryption"},
		NotBefore: now.AddDate(0, 0, -1), NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func certificate(t testing.TB, key *rsa.PrivateKey) Certificate {
	t.Helper()
	c, err := ParseCertificate(certificatePEM(t, key, now.AddDate(1, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// example is the contract in testdata, in clear.
func example(t testing.TB, key *rsa.PrivateKey) Sections {
	t.Helper()
	d, err := Load("testdata/example/contract.yaml", CCRT)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Sections("", Signer{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// made encrypts and signs the example.
func made(t testing.TB, platform Platform, key *rsa.PrivateKey) Sections {
	t.Helper()
	s, err := example(t, key).Encrypt(platform, certificate(t, key))
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.Sign(key); err != nil {
		t.Fatal(err)
	}
	return s
}

func text(t testing.TB, s Sections) string {
	t.Helper()
	text, err := s.YAML()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestGolden pins the contract to the byte, in clear and encrypted: what was
// written once must be written, and read, on every architecture.
func TestGolden(t *testing.T) {
	key := testKey(t)
	cryptotest.SetGlobalRandom(t, 1)
	plain, err := example(t, key).Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	encrypted := Sections{}
	for _, section := range []struct{ from, to *string }{
		// In this order, because they draw from the same randomness.
		{&plain.Workload, &encrypted.Workload}, {&plain.Env, &encrypted.Env}, {&plain.AttestationPublicKey, &encrypted.AttestationPublicKey},
	} {
		if *section.to, err = EncryptSection(HPVS, certificate(t, key), *section.from); err != nil {
			t.Fatal(err)
		}
	}
	if encrypted, err = encrypted.Sign(key); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]Sections{"plain.yaml": plain, "user-data.yaml": encrypted} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(text(t, s)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text(t, s) != string(want) {
			t.Errorf("%s is another; if that is meant, write it again with -update:\n%s", name, text(t, s))
		}
		if read, err := Parse(want); err != nil || read != s {
			t.Errorf("%s: read %+v, %v", name, read, err)
		}
	}
}

func TestEveryPlatformOpensItsContract(t *testing.T) {
	key := testKey(t)
	for platform, prefix := range map[Platform]string{
		HPVS: "hyper-protect-basic.", CCCO: "hyper-protect-basic.", CCRT: "contract-basic.", CCRV: "contract-basic.",
	} {
		t.Run(string(platform), func(t *testing.T) {
			plain, s := example(t, key), made(t, platform, key)
			for _, section := range [][2]string{{s.Workload, plain.Workload}, {s.Env, plain.Env}, {s.AttestationPublicKey, plain.AttestationPublicKey}} {
				opened, err := Open(section[0], key)
				if err != nil || string(opened) != section[1] || !strings.HasPrefix(section[0], prefix) {
					t.Errorf("opened %q, %v", opened, err)
				}
			}
			if err := s.Verify(&key.PublicKey); err != nil {
				t.Error(err)
			}
			if again := made(t, platform, key); again.Workload == s.Workload {
				t.Error("password or salt is not drawn again")
			}
		})
	}
}

func TestSectionsNameTheSigningKey(t *testing.T) {
	key := testKey(t)
	var env Env
	if err := yaml.Load([]byte(example(t, key).Env), &env, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(env.SigningKey))
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil || !key.PublicKey.Equal(public) {
		t.Errorf("%v, %v", public, err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	key := testKey(t)
	s := made(t, CCRT, key)
	if err := s.Verify(&otherKey(t).PublicKey); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	for what, change := range map[string]func(*Sections){
		"other workload": func(s *Sections) { s.Workload = made(t, CCRT, key).Workload },
		"other env":      func(s *Sections) { s.Env += " " },
		"no signature":   func(s *Sections) { s.Signature = "" },
		"not base64":     func(s *Sections) { s.Signature = "%" },
		"no workload":    func(s *Sections) { s.Workload = "" },
	} {
		t.Run(what, func(t *testing.T) {
			changed := s
			change(&changed)
			if err := changed.Verify(&key.PublicKey); !errors.Is(err, ErrSignature) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestEncryptedByTwoPeople(t *testing.T) {
	key := testKey(t)
	workload := made(t, CCRT, key).Workload
	d, err := Load("testdata/example/contract.yaml", CCRT)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Sections(workload, Signer{}); err == nil {
		t.Error("two workloads were accepted")
	}
	d.Workload = nil
	plain, err := d.Sections(workload, Signer{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := plain.Encrypt(CCRV, certificate(t, key))
	if err != nil || s.Workload != workload {
		t.Errorf("the provider's section was changed, %v", err)
	}
	if _, err := plain.Encrypt(HPVS, certificate(t, key)); err == nil {
		t.Error("a section for another platform was accepted")
	}
	if _, err := d.Sections("", Signer{}); err == nil {
		t.Error("a contract without a workload was made")
	}
}

// TestDigests pins the names and values of the runtime's attestation record.
func TestDigests(t *testing.T) {
	s, err := Parse([]byte("workload: hyper-protect-basic.YQ==.Yg==\nenv: |\n  type: env\nboot: |\n  sehdr: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	digests := s.Digests()
	// printf %s hyper-protect-basic.YQ==.Yg== | sha256sum
	if want := "7533c4c98f4b9e1301a9dce660962f87085eeaffa28a7cbe261558f98ec70964"; len(digests) != 2 || digests[RecordWorkload] != want || digests[RecordEnv] == "" {
		t.Errorf("got %v", digests)
	}
}

func TestParseRefuses(t *testing.T) {
	for what, userData := range map[string]string{
		"nothing":      "",
		"no env":       "workload: a\n",
		"two workload": "workload: a\nworkload: b\nenv: c\n",
		"a mapping":    "workload: {type: workload}\nenv: c\n",
		"two":          "workload: a\nenv: b\n---\nworkload: c\nenv: d\n",
		"a list":       "- s3cret\n",
		"not YAML":     "workload: [s3cret\n",
	} {
		t.Run(what, func(t *testing.T) {
			if s, err := Parse([]byte(userData)); err == nil || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %+v, %v", s, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("workload: a\nenv: |\n  type: env\n"))
	f.Add([]byte("workload: a\nenv: b\nenvWorkloadSignature: YQ==\nattestationPublicKey: c\n"))
	f.Fuzz(func(t *testing.T, userData []byte) {
		s, err := Parse(userData)
		if err != nil {
			return
		}
		if again, err := Parse([]byte(text(t, s))); err != nil || again != s {
			t.Errorf("%+v became %+v, %v", s, again, err)
		}
	})
}
