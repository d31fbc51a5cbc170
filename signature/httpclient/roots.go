package httpclient

import (
	"crypto/x509"
	"fmt"

	"github.com/opensbs/sbs/api/public"
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

// parseBundle returns an error for a block that can't be read, which x509.CertPool
// would skip: a CA certificate would silently not be trusted.
func parseBundle(bundle []byte) ([]*x509.Certificate, error) {
	if len(bundle) == 0 {
		return nil, nil
	}
	certificates, err := public.ParseCertificates(bundle)
	if err != nil {
		return nil, fmt.Errorf("the bundle %w", err)
	}
	return certificates, nil
}
