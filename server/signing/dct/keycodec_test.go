package dct

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"github.com/theupdateframework/notary/trustmanager"
	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/utils"
)

// goldenKey is an entry as version 1 wrote it; it must be readable for good.
const goldenKey = `{"version":1,"role":"targets","gun":"docker.io/ns/app","key":"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgf1R96oR8GgKg6++q\no6QYx07zUZkgA/hXSv69NnOc4duhRANCAASLk01zyq2BaVYUiB1Q2neD7MWbYz9w\ncb4n68i/tixmzW8WoM+7Ar4V0TgGoS5/OrW8T9u3Pc2n/v+AiNGgi5Um\n-----END PRIVATE KEY-----\n"}`

func TestKeyCodecGolden(t *testing.T) {
	info, key, err := decodeKey([]byte(goldenKey))
	if err != nil {
		t.Fatal(err)
	}
	if want := (trustmanager.KeyInfo{Role: data.CanonicalTargetsRole, Gun: "docker.io/ns/app"}); info != want {
		t.Errorf("info %v, want %v", info, want)
	}
	if want := "947fce35325de8131fd88b4346ef80f61e44abdfa850fcedf24a15e04d56dded"; key.ID() != want {
		t.Errorf("key id %s, want %s", key.ID(), want)
	}
	encoded, err := encodeKey(info, key)
	if err != nil || string(encoded) != goldenKey {
		t.Errorf("encoded as %s (error %v)", encoded, err)
	}
}

func TestKeyCodecRefuses(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	strong, err := utils.ECDSAToPrivateKey(p384)
	if err != nil {
		t.Fatal(err)
	}
	edwards, err := utils.GenerateKey(data.ED25519Key)
	if err != nil {
		t.Fatal(err)
	}
	targets := trustmanager.KeyInfo{Role: data.CanonicalTargetsRole, Gun: "localhost/ns/app"}
	for name, test := range map[string]struct {
		info trustmanager.KeyInfo
		key  data.PrivateKey
	}{
		"another curve":     {targets, strong},
		"another algorithm": {targets, edwards},
		"no role":           {trustmanager.KeyInfo{Gun: "localhost/ns/app"}, newKey(t)},
		"root with GUN":     {trustmanager.KeyInfo{Role: data.CanonicalRootRole, Gun: "localhost/ns/app"}, newKey(t)},
		"targets without":   {trustmanager.KeyInfo{Role: data.CanonicalTargetsRole}, newKey(t)},
	} {
		if _, err := encodeKey(test.info, test.key); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
	for name, change := range map[string]func(string) string{
		"another version":  func(s string) string { return strings.Replace(s, `"version":1`, `"version":2`, 1) },
		"unknown member":   func(s string) string { return strings.Replace(s, `{`, `{"more":1,`, 1) },
		"more after it":    func(s string) string { return s + s },
		"too long":         func(s string) string { return strings.Repeat(" ", maxEntry) + s },
		"unknown role":     func(s string) string { return strings.Replace(s, `targets`, `king`, 1) },
		"root with GUN":    func(s string) string { return strings.Replace(s, `targets`, `root`, 1) },
		"another PEM type": func(s string) string { return strings.ReplaceAll(s, `PRIVATE KEY`, `PUBLIC KEY`) },
		"two PEM blocks":   func(s string) string { return strings.Replace(s, `-----\n"}`, `-----\nmore"}`, 1) },
		"damaged key":      func(s string) string { return strings.Replace(s, `MIGHAgEA`, `AAAAAAAA`, 1) },
	} {
		if changed := change(goldenKey); changed == goldenKey {
			t.Errorf("%s: the test changes nothing", name)
		} else if _, _, err := decodeKey([]byte(changed)); err == nil {
			t.Errorf("%s: decoded", name)
		} else if strings.Contains(err.Error(), "AQQgf1R96oR8") {
			t.Errorf("%s: the error quotes the key: %v", name, err)
		}
	}
}

func FuzzDecodeKey(f *testing.F) {
	f.Add([]byte(goldenKey))
	f.Add([]byte(`{"version":1}`))
	encoded, err := encodeKey(trustmanager.KeyInfo{Role: data.CanonicalRootRole}, newKey(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded)
	f.Fuzz(func(t *testing.T, entry []byte) {
		info, key, err := decodeKey(entry)
		if err != nil {
			return
		}
		encoded, err := encodeKey(info, key)
		if err != nil {
			t.Fatalf("decoded but does not encode: %v", err)
		}
		again, same, err := decodeKey(encoded)
		if err != nil || again != info || !bytes.Equal(same.Private(), key.Private()) {
			t.Fatalf("round trip changed the key (error %v)", err)
		}
		if !json.Valid(encoded) {
			t.Fatal("encoded to no JSON")
		}
	})
}
