package channel

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
)

// Roots returns the system's CA certificates and those of the bundles, each of which
// is PEM or empty.
func Roots(bundles ...[]byte) (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("load the system's CA certificates: %w", err)
	}
	for _, bundle := range bundles {
		certificates, err := parseBundle(bundle)
		if err != nil {
			return nil, fmt.Errorf("CA certificates: %w", err)
		}
		for _, certificate := range certificates {
			roots.AddCert(certificate)
		}
	}
	return roots, nil
}

// blockBegin is the first line of a PEM block, readable or not.
var blockBegin = regexp.MustCompile(`-----BEGIN [^\n-]*-----`)

// parseBundle returns an error for a block that can't be read, which x509.CertPool
// would skip: a CA certificate would silently not be trusted.
func parseBundle(bundle []byte) (certificates []*x509.Certificate, err error) {
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, errors.New("a PEM block among them is no certificate: they take PEM certificates only")
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("number %d: %w", len(certificates)+1, err)
		}
		certificates = append(certificates, certificate)
	}
	switch begun := len(blockBegin.FindAll(bundle, -1)); {
	case len(certificates) != begun:
		return nil, fmt.Errorf("%d of %d PEM blocks can't be read", begun-len(certificates), begun)
	case len(certificates) == 0 && len(bundle) > 0:
		return nil, errors.New("they hold no PEM certificate")
	}
	return certificates, nil
}
