package public

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
	"encoding/pem"
	"errors"
	"io"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func asPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// texts are public things and private ones, by what they are.
func texts(t *testing.T) (public, private map[string]string) {
	t.Helper()
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	spki := must[[]byte](t)(x509.MarshalPKIXPublicKey(key.Public()))
	entity := must[*openpgp.Entity](t)(openpgp.NewEntity("name", "", "", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}))
	rsaKey := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key crypto.PrivateKey) []byte { return must[[]byte](t)(x509.MarshalPKCS8PrivateKey(key)) }
	sec1 := must[[]byte](t)(x509.MarshalECPrivateKey(key))

	public = map[string]string{
		"certificate": asPEM("CERTIFICATE", certificate), "public key": asPEM("PUBLIC KEY", spki),
		"OpenPGP key":    armored(t, openpgp.PublicKeyType, entity.Serialize),
		"binary OpenPGP": binary(t, entity.Serialize),
		"known_hosts":    "# the private key stays at home\ngithub.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n",
		"key id":         strings.Repeat("0a", 32), "empty": "",
	}
	private = map[string]string{
		"PKCS #8": asPEM("PRIVATE KEY", pkcs8(key)), "PKCS #1": asPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)),
		"SEC 1": asPEM("EC PRIVATE KEY", sec1), "encrypted": asPEM("ENCRYPTED PRIVATE KEY", []byte("x")),
		"cosign":  asPEM("ENCRYPTED SIGSTORE PRIVATE KEY", []byte("x")),
		"OpenSSH": asPEM("OPENSSH PRIVATE KEY", []byte("openssh-key-v1")), "SSH2": "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nx\n",
		"PuTTY":  "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
		"no end": "-----BEGIN RSA PRIVATE KEY-----\nMIIE", "indented": "  -----BEGIN PRIVATE KEY-----\n  MC4C\n  -----END PRIVATE KEY-----\n",
		"under a certificate's name": asPEM("CERTIFICATE", pkcs8(edKey)), "under a public key's name": asPEM("PUBLIC KEY", sec1),
		"DER": string(pkcs8(rsaKey)), "base64 of DER": base64.StdEncoding.EncodeToString(pkcs8(edKey)),
		"OpenPGP":                       armored(t, openpgp.PrivateKeyType, func(w io.Writer) error { return entity.SerializePrivate(w, nil) }),
		"OpenPGP under a public name":   armored(t, openpgp.PublicKeyType, func(w io.Writer) error { return entity.SerializePrivate(w, nil) }),
		"binary OpenPGP":                binary(t, func(w io.Writer) error { return entity.SerializePrivate(w, nil) }),
		"OpenPGP, a second armored one": public["OpenPGP key"] + "\n" + armored(t, openpgp.PublicKeyType, func(w io.Writer) error { return entity.SerializePrivate(w, nil) }),
	}
	for name, text := range maps.Clone(private) {
		if name != "DER" && name != "binary OpenPGP" && !strings.HasPrefix(name, "base64") {
			private[name+" after a certificate"] = public["certificate"] + text
			private[name+" before a certificate"] = text + "\n" + public["certificate"]
			private["base64 of "+name] = base64.StdEncoding.EncodeToString([]byte(text))
		}
	}
	return public, private
}

func binary(t *testing.T, serialize func(io.Writer) error) string {
	t.Helper()
	var text bytes.Buffer
	if err := serialize(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func armored(t *testing.T, kind string, serialize func(io.Writer) error) string {
	t.Helper()
	var text bytes.Buffer
	w := must[io.WriteCloser](t)(armor.Encode(&text, kind, nil))
	if err := errors.Join(serialize(w), w.Close()); err != nil {
		t.Fatal(err)
	}
	return text.String() + "\n"
}

func TestCheck(t *testing.T) {
	public, private := texts(t)
	for name, text := range public {
		if err := Check([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := Check([]byte(base64.StdEncoding.EncodeToString([]byte(text)))); err != nil {
			t.Errorf("base64 of %s: %v", name, err)
		}
	}
	for name, text := range private {
		if err := Check([]byte(text)); !errors.Is(err, ErrPrivate) {
			t.Errorf("%s: got %v", name, err)
		}
		for what, err := range map[string]error{"certificates": Certificates([]byte(text)), "a key": second(Key([]byte(text))), "one certificate": second(Certificate([]byte(text))), "a revocation list": second(RevocationList([]byte(text)))} {
			if !errors.Is(err, ErrPrivate) {
				t.Errorf("%s taken as %s: got %v", name, what, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestPEM(t *testing.T) {
	public, _ := texts(t)
	certificate, key := public["certificate"], public["public key"]
	for _, good := range []string{certificate, certificate + certificate, "subject: x\n" + certificate + "\n# more\n" + certificate} {
		if err := Certificates([]byte(good)); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for name, bad := range map[string]string{
		"nothing": "", "text": "hello", "a public key": key, "a public key too": certificate + key,
		"parameters too": "-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n" + certificate,
		"cut short":      certificate[:len(certificate)/2], "cut short after a whole one": certificate + certificate[:len(certificate)/2],
		"another thing under its name": asPEM("CERTIFICATE", []byte("x")) + certificate,
	} {
		if err := Certificates([]byte(bad)); err == nil {
			t.Errorf("%s was accepted as certificates", name)
		}
	}
	if one, err := Certificate([]byte(certificate)); err != nil || one == nil {
		t.Error(err)
	}
	for name, bad := range map[string]string{"two": certificate + certificate, "a damaged one": asPEM("CERTIFICATE", []byte("x"))} {
		if _, err := Certificate([]byte(bad)); err == nil {
			t.Errorf("%s was accepted as one certificate", name)
		}
	}
	for name, bad := range map[string]string{"no list": asPEM("X509 CRL", []byte("x")), "a certificate": certificate, "text": "x", "two": strings.Repeat(asPEM("X509 CRL", []byte("x")), 2)} {
		if _, err := RevocationList([]byte(bad)); err == nil {
			t.Errorf("%s was accepted as a revocation list", name)
		}
	}
	if _, err := Key([]byte(key)); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]string{"two": key + key, "a certificate": certificate, "a certificate too": key + certificate, "nothing": ""} {
		if _, err := Key([]byte(bad)); err == nil {
			t.Errorf("%s was accepted as one key", name)
		}
	}
}
