package contract

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/client/advice"
)

// Signer signs a contract. The runtime refuses a contract whose signing certificate
// has expired, so that a certificate ends the contract.
type Signer struct {
	Key         *rsa.PrivateKey   // nil for a contract that is not signed
	Certificate *x509.Certificate // nil for one that does not expire
}

// ParseSigningCertificate reads one certificate in PEM for the signing key, which
// is valid at now.
func ParseSigningCertificate(text []byte, key *rsa.PrivateKey, now time.Time) (*x509.Certificate, error) {
	const next = "make one for the signing key: docs/contract.md, \"A contract that expires\""
	certificate, err := public.Certificate(text)
	if err != nil {
		return nil, advice.New(fmt.Errorf("signing certificate: the file %w", err), next)
	}
	switch {
	case !key.PublicKey.Equal(certificate.PublicKey):
		return nil, advice.New(errors.New("signing certificate: it is not of the signing key"), next)
	case now.After(certificate.NotAfter):
		return nil, advice.New(fmt.Errorf("signing certificate: it expired on %s, and the runtime refuses the contract", day(certificate.NotAfter)), next)
	case now.Before(certificate.NotBefore):
		return nil, advice.New(fmt.Errorf("signing certificate: it begins on %s", day(certificate.NotBefore)), "check the clock")
	}
	return certificate, nil
}

// public returns env.signingKey in PEM, or "".
func (s Signer) public() (string, error) {
	switch {
	case s.Certificate != nil:
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate.Raw})), nil
	case s.Key != nil:
		return publicPEM(&s.Key.PublicKey)
	}
	return "", nil
}
