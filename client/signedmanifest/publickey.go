package signedmanifest

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"

	"github.com/opensbs/sbs/api/public"
)

// ParsePublicKey reads an RSA key from PEM SubjectPublicKeyInfo.
func ParsePublicKey(text []byte) (*rsa.PublicKey, error) {
	der, err := public.Key(text)
	if err != nil {
		return nil, fmt.Errorf("public key: the text %w", err)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("public key: %T is no RSA key", parsed)
	}
	if key.N.BitLen() < 2048 {
		return nil, fmt.Errorf("public key: %d bits are too few to trust", key.N.BitLen())
	}
	return key, nil
}
