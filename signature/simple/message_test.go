package simple

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/opensbs/sbs/signature"
)

func referenceTo(repository, tag string) signature.Reference {
	r := signature.Reference{Repository: repository, Tag: tag}
	if tag == "" {
		r.Digest = digest
	}
	return r
}

// vendor returns the key of a signer. Ed25519 keys are generated quickly.
func vendor(t testing.TB, settings *packet.Config) *openpgp.Entity {
	t.Helper()
	if settings == nil {
		settings = &packet.Config{}
	}
	settings.Algorithm = packet.PubKeyAlgoEdDSA
	entity, err := openpgp.NewEntity("Vendor", "", "", settings)
	if err != nil {
		t.Fatal(err)
	}
	return entity
}

func signed(t testing.TB, entity *openpgp.Entity, content string) []byte {
	t.Helper()
	message, err := Sign(entity, []byte(content), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func write(t *testing.T, packets ...func(io.Writer) error) []byte {
	t.Helper()
	var message bytes.Buffer
	for _, one := range packets {
		if err := one(&message); err != nil {
			t.Fatal(err)
		}
	}
	return message.Bytes()
}

func TestOpen(t *testing.T) {
	entity, other := vendor(t, nil), vendor(t, nil)
	message := signed(t, entity, golden)
	want := Claim{signedName, digest}
	claim, keyID, err := Open(NewKey(entity), message, time.Now())
	if err != nil || claim != want || keyID != NewKey(entity).ID() {
		t.Errorf("%+v by %s, %v", claim, keyID, err)
	}
	both := Key{openpgp.EntityList{other, entity}}
	if _, keyID, err := Open(both, message, time.Now()); err != nil || keyID != NewKey(entity).ID() {
		t.Errorf("one of two keys: %s, %v", keyID, err)
	}
	if _, _, err := Open(NewKey(other), message, time.Now()); !errors.Is(err, ErrOtherKey) {
		t.Errorf("another key: %v", err)
	}
	if _, keyID, err := Open(NewKey(entity), signed(t, entity, "{}"), time.Now()); err == nil || errors.Is(err, ErrOtherKey) || keyID == "" {
		t.Errorf("what is signed and no payload: %v by %q", err, keyID)
	}
}

func TestOpenRefuses(t *testing.T) {
	entity := vendor(t, nil)
	message := signed(t, entity, golden)
	detached := write(t, func(w io.Writer) error {
		return openpgp.DetachSign(w, entity, strings.NewReader(golden), nil)
	})
	cleartext := write(t, func(w io.Writer) error {
		plain, err := clearsign.Encode(w, entity.PrivateKey, nil)
		if err != nil {
			return err
		}
		_, err = io.WriteString(plain, golden)
		return errors.Join(err, plain.Close())
	})
	unsigned := write(t, func(w io.Writer) error {
		literal, err := packet.SerializeLiteral(nopCloser{w}, true, "", 0)
		if err != nil {
			return err
		}
		_, err = io.WriteString(literal, golden)
		return errors.Join(err, literal.Close())
	})
	for name, message := range map[string][]byte{
		"nothing":       {},
		"detached":      detached,
		"clear-signed":  cleartext,
		"unsigned":      unsigned,
		"changed":       bytes.Replace(message, []byte("app:v1"), []byte("app:v2"), 1),
		"cut":           message[:len(message)-10],
		"too long":      signed(t, entity, golden+strings.Repeat(" ", MaxSignature)),
		"forged at end": forged(t, entity),
		"of the future": future(t, entity),
	} {
		t.Run(name, func(t *testing.T) {
			if claim, _, err := Open(NewKey(entity), message, time.Now()); !errors.Is(err, ErrOtherKey) {
				t.Errorf("%+v, %v", claim, err)
			}
		})
	}
	t.Run("by an expired key", func(t *testing.T) {
		short := vendor(t, &packet.Config{KeyLifetimeSecs: 60})
		message := signed(t, short, golden)
		if _, _, err := Open(NewKey(short), message, time.Now()); err != nil {
			t.Errorf("in time: %v", err)
		}
		if _, _, err := Open(NewKey(short), message, time.Now().Add(time.Hour)); !errors.Is(err, ErrOtherKey) {
			t.Errorf("too late: %v", err)
		}
	})
}

// gpg's own signatures, which are compressed, by a key that never expires.
func TestOpenReadsGPG(t *testing.T) {
	read := func(name string) []byte {
		content, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	key, err := ParseKey(read("gpg.asc"))
	if err != nil {
		t.Fatal(err)
	}
	if claim, keyID, err := Open(key, read("gpg-sha256.sig"), time.Now()); err != nil || claim != (Claim{signedName, digest}) || keyID != key.ID() {
		t.Errorf("%+v by %s, %v", claim, keyID, err)
	}
	if claim, _, err := Open(key, read("gpg-sha1.sig"), time.Now()); !errors.Is(err, ErrOtherKey) {
		t.Errorf("with SHA-1: %+v, %v", claim, err)
	}
}

func future(t *testing.T, entity *openpgp.Entity) []byte {
	t.Helper()
	message, err := Sign(entity, []byte(golden), func() time.Time { return time.Now().Add(48 * time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// forged names the key in front and has no signature at the end: the content is
// compressed, and so long that a reader which stops at a limit never gets there.
func forged(t *testing.T, entity *openpgp.Entity) []byte {
	t.Helper()
	return write(t, func(w io.Writer) error {
		compressed, err := packet.SerializeCompressed(nopCloser{w}, packet.CompressionZLIB, nil)
		if err != nil {
			return err
		}
		announced := &packet.OnePassSignature{Version: 3, SigType: packet.SigTypeBinary, Hash: 5, PubKeyAlgo: entity.PrimaryKey.PubKeyAlgo,
			KeyId: entity.PrimaryKey.KeyId, IsLast: true}
		if err := announced.Serialize(compressed); err != nil {
			return err
		}
		literal, err := packet.SerializeLiteral(nopCloser{compressed}, true, "", 0)
		if err != nil {
			return err
		}
		_, err = io.WriteString(literal, golden+strings.Repeat(" ", 4*maxPayload))
		return errors.Join(err, literal.Close(), compressed.Close())
	})
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestParseKey(t *testing.T) {
	first, second := vendor(t, nil), vendor(t, nil)
	binary := write(t, first.Serialize, second.Serialize)
	armoured := write(t, func(w io.Writer) error {
		text, err := armor.Encode(w, openpgp.PublicKeyType, nil)
		if err != nil {
			return err
		}
		_, err = text.Write(binary)
		return errors.Join(err, text.Close())
	})
	for name, text := range map[string][]byte{"binary": binary, "armoured": armoured} {
		key, err := ParseKey(text)
		if err != nil || len(key.ring) != 2 || key.ID() != NewKey(first).ID() || len(key.ID()) != 40 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string][]byte{
		"nothing":                          nil,
		"no key":                           []byte("-----BEGIN PUBLIC KEY-----\n"),
		"private":                          write(t, func(w io.Writer) error { return first.SerializePrivate(w, nil) }),
		"a private one after a public one": append(bytes.Clone(armoured), "\n-----BEGIN PGP PRIVATE KEY BLOCK-----\n"...),
		"too big":                          append(binary, make([]byte, maxKey)...),
	} {
		if _, err := ParseKey(text); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func FuzzOpen(f *testing.F) {
	entity := vendor(f, nil)
	f.Add(signed(f, entity, golden))
	f.Add([]byte{0x90, 0x0d, 0x03})
	key := NewKey(entity)
	f.Fuzz(func(t *testing.T, message []byte) {
		if claim, _, err := Open(key, message, time.Now()); err == nil && claim != (Claim{signedName, digest}) {
			t.Errorf("a forged claim: %+v", claim)
		}
	})
}
