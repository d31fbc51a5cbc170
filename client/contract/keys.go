package contract

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/client/advice"
)

// minBits is the shortest RSA key that is used, in bits.
const minBits = 2048

// soon is the time before the expiry of a certificate at which warnings begin.
const soon = 30 * 24 * time.Hour

// ErrNotValidNow means that an encryption certificate has expired, or begins
// later.
var ErrNotValidNow = errors.New("the encryption certificate is not valid now")

// Certificate is the encryption certificate of a platform, for one version of
// its runtime. Whether it is the platform's is for its user to check: what is
// encrypted to it can be read by anyone who has its key.
type Certificate struct {
	key                 *rsa.PublicKey
	Subject             string
	NotBefore, NotAfter time.Time
}

// ParseCertificate reads one certificate in PEM with an RSA key.
func ParseCertificate(text []byte) (Certificate, error) {
	const next = "take the encryption certificate of the runtime's version from the platform's documentation"
	parsed, err := public.Certificate(text)
	if err != nil {
		return Certificate{}, advice.New(fmt.Errorf("encryption certificate: the file %w", err), next)
	}
	key, ok := parsed.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < minBits {
		return Certificate{}, advice.New(fmt.Errorf("encryption certificate: its key is not RSA of %d bits or more", minBits), next)
	}
	return Certificate{key, parsed.Subject.String(), parsed.NotBefore, parsed.NotAfter}, nil
}

// Check returns an error that wraps ErrNotValidNow when the certificate is not
// valid at now.
func (c Certificate) Check(now time.Time) error {
	const next = "take the certificate of a newer version of the runtime, and deploy that version"
	switch {
	case now.After(c.NotAfter):
		return advice.New(fmt.Errorf("%w: it expired on %s", ErrNotValidNow, day(c.NotAfter)), next)
	case now.Before(c.NotBefore):
		return advice.New(fmt.Errorf("%w: it begins on %s", ErrNotValidNow, day(c.NotBefore)), "check the clock")
	}
	return nil
}

// ExpiresSoon reports whether the certificate is in its last 30 days at now.
func (c Certificate) ExpiresSoon(now time.Time) bool { return now.After(c.NotAfter.Add(-soon)) }

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

// ParseSigningKey reads an RSA private key in PEM (PKCS #1 or PKCS #8).
func ParseSigningKey(text []byte) (*rsa.PrivateKey, error) {
	next := fmt.Sprintf("make one: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:%d -out contract-key.pem", 2*minBits)
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, advice.New(errors.New("signing key: it is no private key in PEM"), next)
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, advice.New(errors.New("signing key: it has a passphrase"), "remove that with: openssl pkey -in FILE -out NEW_FILE")
	}
	var parsed any
	var err error
	if block.Type == "RSA PRIVATE KEY" {
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	} else {
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, advice.New(fmt.Errorf("signing key: %w", err), next)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok || key.N.BitLen() < minBits {
		return nil, advice.New(fmt.Errorf("signing key: it is not RSA of %d bits or more", minBits), next)
	}
	return key, nil
}

// publicPEM is the public key as PEM SubjectPublicKeyInfo, as env.signingKey has
// it.
func publicPEM(key *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// isPublicKey reports whether a text is such a PEM, or base64 of it, of a key that
// is long enough.
func isPublicKey(text string) bool {
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
		text = string(raw)
	}
	der, err := public.Key([]byte(text))
	if err != nil {
		return false
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return false
	}
	key, ok := parsed.(*rsa.PublicKey)
	return ok && key.N.BitLen() >= minBits
}
