package attestation

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/kit/golden"
)

func sample() Evidence {
	return Evidence{
		Bound: Bound{
			Nonce: []byte("0123456789abcdef\xff\xfe"),
			TLS:   DigestOf([]byte("TLS key")),
			Keys:  []Key{{"simple", DigestOf([]byte("b"))}, {UseManifest, DigestOf([]byte("a"))}},
		},
		Proof: Proof{Kind: KindSEVSNP, Quote: []byte("quote"), Certificates: []byte("certificates")},
	}
}

func samples() map[string]Evidence {
	hpcr, simulated := sample(), sample()
	hpcr.Proof = Proof{Kind: KindHPCR, Record: []byte("record\n"), Encrypted: true, Signature: []byte("signature")}
	simulated.Proof = Proof{Kind: KindSimulated}
	simulated.Keys = nil
	return map[string]Evidence{"sev-snp": sample(), "hpcr": hpcr, "simulated": simulated}
}

func TestGolden(t *testing.T) {
	for name, e := range samples() {
		text, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, name+".json", text)
		data, err := e.ReportData()
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, name+".reportdata", []byte(hex.EncodeToString(data[:])+"\n"))
	}
}

// TestReportDataBindsEverything changes one thing at a time.
func TestReportDataBindsEverything(t *testing.T) {
	base, err := sample().ReportData()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Bound){
		"nonce":          func(b *Bound) { b.Nonce = append([]byte{1}, b.Nonce[1:]...) },
		"longer nonce":   func(b *Bound) { b.Nonce = append(b.Nonce[:len(b.Nonce):len(b.Nonce)], 0) },
		"TLS key":        func(b *Bound) { b.TLS[31]++ },
		"key":            func(b *Bound) { b.Keys[0].SHA256[0]++ },
		"use of a key":   func(b *Bound) { b.Keys[0].Use = "sigstore" },
		"a key less":     func(b *Bound) { b.Keys = b.Keys[:1] },
		"uses exchanged": func(b *Bound) { b.Keys[0].Use, b.Keys[1].Use = b.Keys[1].Use, b.Keys[0].Use },
	} {
		bound := sample().Bound
		change(&bound)
		got, err := bound.ReportData()
		if err != nil || got == base {
			t.Errorf("%s: the report data is the same, %v", name, err)
		}
	}
	reordered := sample().Bound
	reordered.Keys[0], reordered.Keys[1] = reordered.Keys[1], reordered.Keys[0]
	if got, err := reordered.ReportData(); err != nil || got != base {
		t.Errorf("the order of keys counts, %v", err)
	}
}

func TestRefusals(t *testing.T) {
	for name, change := range map[string]func(*Evidence){
		"short nonce":            func(e *Evidence) { e.Nonce = e.Nonce[:MinNonce-1] },
		"long nonce":             func(e *Evidence) { e.Nonce = make([]byte, MaxNonce+1) },
		"unknown kind":           func(e *Evidence) { e.Kind = "sgx" },
		"record and a quote":     func(e *Evidence) { e.Record = []byte("r") },
		"no quote":               func(e *Evidence) { e.Quote = nil },
		"quote when simulated":   func(e *Evidence) { e.Kind = KindSimulated },
		"hpcr without signature": func(e *Evidence) { e.Proof = Proof{Kind: KindHPCR, Record: []byte("r")} },
		"certificates alone":     func(e *Evidence) { e.Proof = Proof{Kind: KindSimulated, Certificates: []byte("c")} },
		"key without use":        func(e *Evidence) { e.Keys[0].Use = "" },
		"too many keys":          func(e *Evidence) { e.Keys = make([]Key, MaxKeys+1) },
		"too large":              func(e *Evidence) { e.Quote = make([]byte, MaxEvidence) },
	} {
		e := sample()
		change(&e)
		if _, err := Encode(e); err == nil {
			t.Errorf("%s was encoded", name)
		}
	}
	text, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	for name, changed := range map[string]string{
		"another version": strings.Replace(string(text), `"version":1`, `"version":2`, 1),
		"unknown field":   strings.Replace(string(text), `"version":1`, `"version":1,"more":1`, 1),
		"something more":  string(text) + "{}",
		"padded nonce":    strings.Replace(string(text), `"nonce":"`, `"nonce":"=`, 1),
		"capitals":        strings.Replace(string(text), `_sha256":"`, `_sha256":"A`, 1),
		"not JSON":        "x",
	} {
		if changed == string(text) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := Decode([]byte(changed)); err == nil {
			t.Errorf("%s was decoded", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		text, err := Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Decode(text)
		if err != nil {
			return
		}
		encoded, err := Encode(e)
		if err != nil {
			t.Fatalf("decoded, but not encoded again: %v", err)
		}
		again, err := Decode(encoded)
		if err != nil {
			t.Fatalf("encoded, but not decoded again: %v", err)
		}
		second, err := Encode(again)
		if err != nil || !bytes.Equal(encoded, second) {
			t.Errorf("%s, then %s, %v", encoded, second, err)
		}
		one, err := e.ReportData()
		if err != nil {
			t.Fatal(err)
		}
		if two, err := again.ReportData(); err != nil || one != two {
			t.Errorf("other report data after a round trip, %v", err)
		}
	})
}

func TestRoundTrip(t *testing.T) {
	for name, e := range samples() {
		text, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Nonce, e.Nonce) || got.TLS != e.TLS || len(got.Keys) != len(e.Keys) || !reflect.DeepEqual(got.Proof, e.Proof) {
			t.Errorf("%s: got %+v, want %+v", name, got, e)
		}
	}
}
