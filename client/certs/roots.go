package certs

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/opensbs/sbs/client/advice"
)

// roots are the certificates of the file CAPATH, which may be a bundle: all of
// them are trusted.
type roots struct {
	usable []*x509.Certificate
	others []unusable
}

// unusable is a certificate that signs nothing now.
type unusable struct {
	certificate *x509.Certificate
	err         error
}

// loadRoots reads the certificates of CAPATH. With none that may sign certificates
// at now, it returns the error of the first.
func loadRoots(f Files, now time.Time) (roots, error) {
	err := checkPublic(f.CA)
	var certificates []*x509.Certificate
	if err == nil {
		certificates, _, err = readCertificates(f.CA)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return roots{}, advice.Coded(fmt.Errorf("certificate authority: %w", err), NoAuthority)
	}
	if err != nil {
		return roots{}, fmt.Errorf("certificate authority: %w", err)
	}
	var r roots
	for _, certificate := range certificates {
		if err := checkRoot(f, certificate, now); err != nil {
			r.others = append(r.others, unusable{certificate, err})
			continue
		}
		r.usable = append(r.usable, certificate)
	}
	if len(r.usable) == 0 {
		return roots{}, r.others[0].err
	}
	return r, nil
}

func checkRoot(f Files, certificate *x509.Certificate, now time.Time) error {
	switch {
	case !certificate.IsCA || (certificate.KeyUsage != 0 && certificate.KeyUsage&x509.KeyUsageCertSign == 0):
		return advice.New(fmt.Errorf("%s is no certificate authority: it may not sign certificates", f.CA), "set CAPATH to the authority that signed the client certificate, not to the certificate itself")
	case now.After(certificate.NotAfter):
		return advice.Coded(fmt.Errorf("the certificate authority %s expired on %s", f.CA, day(certificate.NotAfter)), f.renewal())
	case now.Before(certificate.NotBefore):
		return advice.New(fmt.Errorf("the certificate authority %s is not valid before %s", f.CA, day(certificate.NotBefore)), "check this machine's clock")
	}
	return nil
}

// pool returns the usable roots.
func (r roots) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, root := range r.usable {
		pool.AddCert(root)
	}
	return pool
}

// explains returns why the authority that signed certificate is not usable, or nil
// when it is not in the file.
func (r roots) explains(certificate *x509.Certificate) error {
	for _, other := range r.others {
		if bytes.Equal(other.certificate.RawSubject, certificate.RawIssuer) && other.certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature) == nil {
			return other.err
		}
	}
	return nil
}
