package bundle_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/opensbs/sbs/signature/bundle"
)

var image = strings.Repeat("0a", 32)

// golden is the key that signed testdata/sign.json.
func golden(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	text, err := os.ReadFile("testdata/key.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return private.(*ecdsa.PrivateKey)
}

func public(t testing.TB, signer crypto.Signer) bundle.Key {
	t.Helper()
	key, err := bundle.NewKey(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signed() bundle.Statement {
	return bundle.Statement{
		Subjects:      []bundle.Subject{{Digest: map[string]string{"sha256": image}}},
		PredicateType: bundle.SignPredicate,
	}
}

func TestGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/sign.json")
	if err != nil {
		t.Fatal(err)
	}
	private := golden(t)
	got, err := bundle.Sign(private, signed())
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v\n%s, want\n%s", err, got, want)
	}
	s, err := bundle.Open(public(t, private), want)
	if err != nil || !s.About(image) || s.About("") || s.About(strings.Repeat("0b", 32)) || s.PredicateType != bundle.SignPredicate || string(s.Predicate) != "{}" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestKeys(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edwards := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	modulus, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signers := map[string]crypto.Signer{"ECDSA": curve, "Ed25519": edwards, "RSA": modulus}
	signed := bundle.Statement{
		Subjects:      []bundle.Subject{{Name: "app", Digest: map[string]string{"sha256": image, "gitCommit": "00"}}},
		PredicateType: "https://example.com/predicate",
		Predicate:     json.RawMessage(`{"a":[1,"<b>"]}`),
	}
	for name, signer := range signers {
		t.Run(name, func(t *testing.T) {
			text, err := bundle.Sign(signer, signed)
			if err != nil {
				t.Fatal(err)
			}
			key, err := bundle.ParseKey([]byte(public(t, signer).PEM()))
			if err != nil {
				t.Fatal(err)
			}
			s, err := bundle.Open(key, text)
			if err != nil || s.Subjects[0].Name != "app" || s.Subjects[0].Digest["gitCommit"] != "00" || s.PredicateType != signed.PredicateType {
				t.Errorf("%+v, %v", s, err)
			}
			var predicate struct{ A []any }
			if err := json.Unmarshal(s.Predicate, &predicate); err != nil || len(predicate.A) != 2 || predicate.A[1] != "<b>" {
				t.Errorf("predicate %s, %v", s.Predicate, err)
			}
			for other, signer := range signers {
				if _, err := bundle.Open(public(t, signer), text); other != name && !errors.Is(err, bundle.ErrOtherKey) {
					t.Errorf("the key %s opens it: %v", other, err)
				}
			}
		})
	}
}

func TestKeysRefused(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GODEBUG", "rsa1024min=0")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, signer := range map[string]crypto.Signer{"P-384": curve, "RSA 1024": short} {
		if _, err := bundle.Sign(signer, signed()); err == nil {
			t.Errorf("%s signs", name)
		}
	}
	good := public(t, golden(t)).PEM()
	for name, text := range map[string]string{
		"nothing":     "",
		"private":     strings.ReplaceAll(good, "PUBLIC", "PRIVATE"),
		"private too": good + strings.ReplaceAll(good, "PUBLIC", "PRIVATE"),
		"two":         good + good,
		"damaged":     strings.Replace(good, "MFkw", "MFkx", 1),
		"much longer": strings.Repeat("\n", 16<<10) + good,
	} {
		if key, err := bundle.ParseKey([]byte(text)); err == nil {
			t.Errorf("%s: taken as %s", name, key.ID())
		}
	}
}

// envelope changes a golden bundle's JSON.
func changed(t *testing.T, change func(document, envelope map[string]any)) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/sign.json")
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	change(document, document["dsseEnvelope"].(map[string]any))
	if text, err = json.Marshal(document); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestOpenRefuses(t *testing.T) {
	key := public(t, golden(t))
	for name, test := range map[string]struct {
		change func(document, envelope map[string]any)
		other  bool // refused as another's
	}{
		"another payload": {func(_, e map[string]any) {
			e["payload"] = base64.StdEncoding.EncodeToString([]byte(`{"_type":"https://in-toto.io/Statement/v1"}`))
		}, true},
		"no envelope": {func(d, _ map[string]any) {
			delete(d, "dsseEnvelope")
			d["messageSignature"] = map[string]any{}
		}, false},
		"another version":      {func(d, _ map[string]any) { d["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.2+json" }, false},
		"another payload type": {func(_, e map[string]any) { e["payloadType"] = "text/plain" }, false},
		"no signature":         {func(_, e map[string]any) { e["signatures"] = []any{} }, false},
		"two signatures": {func(_, e map[string]any) {
			e["signatures"] = append(e["signatures"].([]any), map[string]any{"sig": ""})
		}, false},
		"an empty signature": {func(_, e map[string]any) { e["signatures"] = []any{map[string]any{"sig": ""}} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bundle.Open(key, changed(t, test.change))
			if err == nil || errors.Is(err, bundle.ErrOtherKey) != test.other {
				t.Errorf("error %v", err)
			}
		})
	}
	if _, err := bundle.Open(key, make([]byte, bundle.MaxSize+1)); err == nil || !strings.Contains(err.Error(), "longer") {
		t.Errorf("a bundle that is too long: %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	for name, change := range map[string]func(*bundle.Statement){
		"no subject":        func(s *bundle.Statement) { s.Subjects = nil },
		"no digest":         func(s *bundle.Statement) { s.Subjects = append(s.Subjects, bundle.Subject{Name: "a"}) },
		"no predicate type": func(s *bundle.Statement) { s.PredicateType = "" },
		"no JSON":           func(s *bundle.Statement) { s.Predicate = json.RawMessage("{") },
		"too much":          func(s *bundle.Statement) { s.PredicateType = strings.Repeat("a", bundle.MaxSize) },
	} {
		t.Run(name, func(t *testing.T) {
			s := signed()
			change(&s)
			if _, err := bundle.Sign(golden(t), s); err == nil {
				t.Error("signed")
			}
		})
	}
}

// FuzzOpen checks that Open returns for any text from a registry, and that what it
// accepts is accepted again after it was encoded again.
func FuzzOpen(f *testing.F) {
	private := golden(f)
	key := public(f, private)
	text, err := os.ReadFile("testdata/sign.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := bundle.Open(key, text)
		if err != nil {
			return
		}
		again, err := bundle.Sign(private, s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bundle.Open(key, again); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzStatement signs whatever statement, and reads it back unchanged.
func FuzzStatement(f *testing.F) {
	private := golden(f)
	key := public(f, private)
	f.Add("app", "sha256", image, "https://slsa.dev/provenance/v1", []byte(`{"a":1}`))
	f.Fuzz(func(t *testing.T, name, algorithm, digest, predicateType string, predicate []byte) {
		s := bundle.Statement{
			Subjects:      []bundle.Subject{{Name: name, Digest: map[string]string{algorithm: digest}}},
			PredicateType: predicateType,
			Predicate:     predicate,
		}
		text, err := bundle.Sign(private, s)
		if err != nil {
			return
		}
		read, err := bundle.Open(key, text)
		if err != nil || len(read.Subjects) != 1 || len(read.Subjects[0].Digest) != 1 {
			t.Fatalf("%+v, %v", read, err)
		}
	})
}
