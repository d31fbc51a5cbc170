package source

import (
	"crypto/x509"
	"fmt"

	"github.com/opensbs/sbs/api/public"
)

// authorities are the CA certificates by which HTTPS servers are verified.
type authorities struct {
	anchored *x509.CertPool // the system's and the operator's: all that counts for a forge
	all      *x509.CertPool // those of the developer too
}

func newAuthorities(given Anchors) (authorities, error) {
	anchored, err := x509.SystemCertPool()
	if err != nil {
		return authorities{}, fmt.Errorf("CA certificates of the system: %w", err)
	}
	if err := addCertificates(anchored, given.OperatorCABundle); err != nil {
		return authorities{}, err
	}
	all := anchored.Clone()
	if err := addCertificates(all, given.CABundle); err != nil {
		return authorities{}, err
	}
	return authorities{anchored, all}, nil
}

func addCertificates(pool *x509.CertPool, bundle []byte) error {
	if len(bundle) == 0 {
		return nil
	}
	if err := public.Certificates(bundle); err != nil {
		return fmt.Errorf("CA certificates: the given bundle %w", err)
	}
	pool.AppendCertsFromPEM(bundle) // skips only certificates of a form that Go can't read
	return nil
}

// byForge returns the CA certificates for hosts by what [IsForge] reports of them.
func (a authorities) byForge() map[bool]*x509.CertPool {
	return map[bool]*x509.CertPool{true: a.anchored, false: a.all}
}
