package enclave

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

func withSecret(b byte) *Enclave {
	return &Enclave{kind: KindSimulated, secret: bytes.Repeat([]byte{b}, minSecret)}
}

func TestSealAndUnseal(t *testing.T) {
	e := withSecret(1)
	for _, text := range [][]byte{{}, []byte("a secret"), make([]byte, 100_000)} {
		sealed, err := e.Seal("keys/a", text)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 0 && bytes.Contains(sealed, text) {
			t.Error("the sealed text holds the text")
		}
		opened, err := e.Unseal("keys/a", sealed)
		if err != nil || !bytes.Equal(opened, text) {
			t.Errorf("opened %d bytes, %v; want %d bytes", len(opened), err, len(text))
		}
	}
}

func TestUnsealRefuses(t *testing.T) {
	e := withSecret(1)
	sealed, err := e.Seal("keys/a", []byte("a secret"))
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(i int) []byte {
		c := slices.Clone(sealed)
		c[i] ^= 1
		return c
	}
	for _, test := range []struct {
		what    string
		enclave *Enclave
		name    string
		sealed  []byte
		want    error
	}{
		{"nothing", e, "keys/a", nil, ErrNotSealed},
		{"other magic", e, "keys/a", flipped(7), ErrNotSealed},
		{"header only", e, "keys/a", sealed[:headerSize], ErrTampered},
		{"cut short", e, "keys/a", sealed[:len(sealed)-1], ErrTampered},
		{"longer", e, "keys/a", append(slices.Clone(sealed), 0), ErrTampered},
		{"other name", e, "keys/b", sealed, ErrTampered},
		{"other image secret", withSecret(2), "keys/a", sealed, ErrOtherSecret},
		{"forged secret id", withSecret(2), "keys/a", slices.Concat(sealed[:8], withSecret(2).secretID(), sealed[16:]), ErrTampered},
	} {
		t.Run(test.what, func(t *testing.T) {
			if _, err := test.enclave.Unseal(test.name, test.sealed); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	for i := saltOffset; i < len(sealed); i++ {
		if _, err := e.Unseal("keys/a", flipped(i)); !errors.Is(err, ErrTampered) {
			t.Fatalf("bit flipped in byte %d: got %v, want ErrTampered", i, err)
		}
	}
}

// TestSealedFormat pins version 1 to the byte: a text that was sealed once must
// open for ever, on every architecture.
func TestSealedFormat(t *testing.T) {
	sealed, err := hex.DecodeString(strings.TrimSpace(sealedOnce))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := withSecret(7).Unseal("parameters", sealed)
	if err != nil || string(opened) != "sealed in 2026" {
		t.Errorf("opened %q, %v", opened, err)
	}
}

func FuzzUnseal(f *testing.F) {
	e := withSecret(1)
	sealed, err := e.Seal("n", []byte("text"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("n", sealed)
	f.Add("n", sealed[:headerSize])
	f.Fuzz(func(t *testing.T, name string, input []byte) {
		if text, err := e.Unseal(name, input); err == nil && (name != "n" || !bytes.Equal(input, sealed)) {
			t.Fatalf("forged: %q", text)
		}
	})
}

func TestSimulateKeepsItsSecrets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "enclave")
	first, err := Simulate(dir)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := first.Seal("x", []byte("kept"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := Simulate(dir)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := second.Unseal("x", sealed); err != nil || string(text) != "kept" {
		t.Errorf("got %q, %v", text, err)
	}
	for file, want := range map[string]os.FileMode{fileSecret: 0o600, filePrivateKey: 0o600, FilePublicKey: 0o644} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", file, info.Mode().Perm(), want)
		}
	}
	public, err := os.ReadFile(filepath.Join(dir, FilePublicKey))
	if err != nil {
		t.Fatal(err)
	}
	message := encryptTo(t, public, "the TLS key", nil)
	if text, err := second.OpenMessage(message); err != nil || string(text) != "the TLS key" {
		t.Errorf("got %q, %v", text, err)
	}
	other, err := Simulate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.OpenMessage(message); err == nil {
		t.Error("another enclave opened the message")
	}
	if _, err := other.OpenMessage([]byte("no armour")); err == nil {
		t.Error("opened what is no message")
	}
	if _, err := second.OpenMessage(messageInClear(t, "the TLS key")); err == nil {
		t.Error("opened a message that is not encrypted")
	}
	zipped := &packet.Config{DefaultCompressionAlgo: packet.CompressionZIP}
	for size, opens := range map[int]bool{maxMessage: true, maxMessage + 1: false} {
		text, err := second.OpenMessage(encryptTo(t, public, strings.Repeat("x", size), zipped))
		if (err == nil) != opens || opens && len(text) != size {
			t.Errorf("%d bytes: got %d, %v", size, len(text), err)
		}
	}
}

func TestFromContract(t *testing.T) {
	dir := t.TempDir()
	if _, err := Simulate(dir); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(content)
	}
	good := map[string]string{EnvImageSecret: read(fileSecret), EnvImagePrivateKey: read(filePrivateKey)}
	e, err := FromContract(func(name string) string { return good[name] })
	if err != nil || e.Kind() != KindContract {
		t.Fatalf("got %v, %v", e, err)
	}
	for what, wrong := range map[string]map[string]string{
		"nothing":      {},
		"no secret":    {EnvImagePrivateKey: good[EnvImagePrivateKey]},
		"not base64":   {EnvImageSecret: "%", EnvImagePrivateKey: good[EnvImagePrivateKey]},
		"short secret": {EnvImageSecret: "c2hvcnQ=", EnvImagePrivateKey: good[EnvImagePrivateKey]},
		"no key":       {EnvImageSecret: good[EnvImageSecret]},
		"a public key": {EnvImageSecret: good[EnvImageSecret], EnvImagePrivateKey: read(FilePublicKey)},
		"not a key":    {EnvImageSecret: good[EnvImageSecret], EnvImagePrivateKey: good[EnvImageSecret]},
	} {
		t.Run(what, func(t *testing.T) {
			if _, err := FromContract(func(name string) string { return wrong[name] }); err == nil {
				t.Error("no error")
			}
		})
	}
}

func encryptTo(t testing.TB, publicKey []byte, text string, config *packet.Config) []byte {
	t.Helper()
	keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(publicKey))
	if err != nil {
		t.Fatal(err)
	}
	if config.Compression() != packet.CompressionNone {
		self, _ := keys[0].PrimarySelfSignature()
		self.PreferredCompression = []uint8{uint8(config.Compression())}
	}
	var out bytes.Buffer
	armoured, err := armor.Encode(&out, "PGP MESSAGE", nil)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := openpgp.Encrypt(armoured, keys, nil, nil, config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	for _, w := range []interface{ Close() error }{plain, armoured} {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

const sealedOnce = `5342535345414c316cd2fdb6c00de707dea1b8954ab5eb639872a53a09a1f8f66e70f6a9990ba29af9cfea94ba88d2c89be78a87f9dcd59f358a50ec07fd186d0a4686535746cb58a9dbbb1a4a60a5f1e9403a52cedfbc61cdca`

// messageInClear is an armored OpenPGP message that everybody can read.
func messageInClear(t *testing.T, text string) []byte {
	t.Helper()
	var message bytes.Buffer
	armored, err := armor.Encode(&message, "PGP MESSAGE", nil)
	if err != nil {
		t.Fatal(err)
	}
	literal, err := packet.SerializeLiteral(armored, true, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(literal, text)
	if err := errors.Join(err, literal.Close(), armored.Close()); err != nil {
		t.Fatal(err)
	}
	return message.Bytes()
}
