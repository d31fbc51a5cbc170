package bundle

// Public keys and the verification of their signatures.

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"

	"github.com/opensbs/sbs/api/public"
)

const (
	maxKey     = 16 << 10 // bytes of PEM
	minRSABits = 2048
)

// Key is a public key for verification, of one of the types that cosign uses: ECDSA on P-256
// and RSA (PKCS #1 v1.5, of 2048 bits or more) over SHA-256, and Ed25519ph, which
// is Ed25519 over SHA-512 (RFC 8032, section 5.1).
type Key struct {
	public crypto.PublicKey
	der    []byte
	hash   [sha256.Size]byte
}

// ParseKey returns the key in a PEM text (SubjectPublicKeyInfo), as cosign writes it
// to cosign.pub.
func ParseKey(text []byte) (Key, error) {
	if len(text) > maxKey {
		return Key{}, fmt.Errorf("read the public key: it is longer than %d bytes", maxKey)
	}
	der, err := public.Key(text)
	if err != nil {
		return Key{}, fmt.Errorf("read the public key (give the one that the signer published): the text %w", err)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return Key{}, fmt.Errorf("read the public key: %w", err)
	}
	return NewKey(parsed)
}

// NewKey returns the Key of an *ecdsa.PublicKey on P-256, an *rsa.PublicKey or an
// ed25519.PublicKey.
func NewKey(public crypto.PublicKey) (Key, error) {
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return Key{}, fmt.Errorf("an ECDSA key on %s: only P-256 is taken", public.Curve.Params().Name)
		}
	case *rsa.PublicKey:
		if public.N.BitLen() < minRSABits {
			return Key{}, fmt.Errorf("an RSA key of %d bits: at least %d are taken", public.N.BitLen(), minRSABits)
		}
	case ed25519.PublicKey:
	default:
		return Key{}, fmt.Errorf("a key of type %T: ECDSA P-256, RSA and Ed25519 are taken", public)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return Key{}, fmt.Errorf("write the public key: %w", err)
	}
	return Key{public, der, sha256.Sum256(der)}, nil
}

// IsZero reports whether k is the zero Key, which verifies nothing.
func (k Key) IsZero() bool { return k.public == nil }

// ID returns the hexadecimal SHA-256 of the key's DER (SubjectPublicKeyInfo).
func (k Key) ID() string { return hex.EncodeToString(k.hash[:]) }

// PEM returns the key's PEM text, as ParseKey accepts it.
func (k Key) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.der}))
}

// Verify returns nil when signature is the signature of content with this key, and
// otherwise ErrOtherKey.
func (k Key) Verify(content, signature []byte) error {
	digest := sha256.Sum256(content)
	verified := false
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		verified = ecdsa.VerifyASN1(public, digest[:], signature)
	case *rsa.PublicKey:
		verified = rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
	case ed25519.PublicKey:
		long := sha512.Sum512(content)
		verified = ed25519.VerifyWithOptions(public, long[:], signature, &ed25519.Options{Hash: crypto.SHA512}) == nil
	}
	if !verified {
		return ErrOtherKey
	}
	return nil
}

// signWith returns a signature of content that Verify accepts.
func (k Key) signWith(signer crypto.Signer, content []byte) ([]byte, error) {
	if _, edwards := k.public.(ed25519.PublicKey); edwards {
		long := sha512.Sum512(content)
		return signer.Sign(nil, long[:], crypto.SHA512)
	}
	digest := sha256.Sum256(content)
	return signer.Sign(nil, digest[:], crypto.SHA256)
}
