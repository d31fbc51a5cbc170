package certs

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"time"

	"github.com/opensbs/sbs/client/advice"
)

// Validity of what is made here: the stock client's.
const (
	authorityYears = 2
	leafYears      = 1
)

// backdating lets a machine whose clock is a little late accept a certificate
// at once.
const backdating = 5 * time.Minute

// authority signs certificates: the only root that client and server trust.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// newAuthority makes an authority of its own for one server.
func newAuthority(now time.Time) (a authority, certificatePEM, keyPEM []byte, err error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return authority{}, nil, nil, err
	}
	template, err := leaf("Client CA", now)
	if err != nil {
		return authority{}, nil, nil, err
	}
	template.NotAfter = now.AddDate(authorityYears, 0, 0)
	template.IsCA = true
	template.MaxPathLenZero = true // it signs leaves only
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return authority{}, nil, nil, fmt.Errorf("make a certificate authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return authority{}, nil, nil, fmt.Errorf("make a certificate authority: %w", err)
	}
	return authority{certificate, key}, encodePEM("CERTIFICATE", der), keyPEM, nil
}

// loadAuthority reads an authority and makes sure that it can sign at now.
func loadAuthority(f Files, now time.Time) (authority, error) {
	trusted, err := loadRoots(f, now)
	if err != nil {
		return authority{}, err
	}
	key, _, err := readKey(f.CAKey)
	if errors.Is(err, fs.ErrNotExist) {
		return authority{}, advice.New(fmt.Errorf("key of the certificate authority: %w", err), "bring the key that belongs to "+f.CA+" here, or name it with CAKEYPATH")
	}
	if err != nil {
		return authority{}, fmt.Errorf("key of the certificate authority: %w", err)
	}
	for _, certificate := range trusted.usable {
		if samePublicKey(certificate, key) {
			return authority{certificate, key}, nil
		}
	}
	for _, other := range trusted.others {
		if samePublicKey(other.certificate, key) {
			return authority{}, other.err
		}
	}
	return authority{}, advice.New(fmt.Errorf("the key %s does not belong to the certificate authority %s", f.CAKey, f.CA), "set CAPATH and CAKEYPATH to files of the same authority")
}

// sign certifies what request asks for. template's name and key are the
// request's, so that the request file documents the certificate.
func (a authority) sign(request *x509.CertificateRequest, template *x509.Certificate) ([]byte, error) {
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	if template.NotAfter.After(a.certificate.NotAfter) {
		template.NotAfter = a.certificate.NotAfter // after that the chain is invalid in any case
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, request.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return der, nil
}

// leaf begins a certificate that may do nothing but TLS.
func leaf(name string, now time.Time) (*x509.Certificate, error) {
	serial := make([]byte, 16)
	if _, err := rand.Read(serial); err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	serial[0] |= 1 // never zero, which RFC 5280 section 4.1.2.2 forbids
	return &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(serial),
		Subject:               subject(name),
		NotBefore:             now.Add(-backdating),
		NotAfter:              now.AddDate(leafYears, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}, nil
}

func subject(name string) pkix.Name {
	return pkix.Name{Organization: []string{"Secure Build"}, CommonName: name}
}

// request makes a signing request for key.
func request(key *rsa.PrivateKey, template x509.CertificateRequest) (*x509.CertificateRequest, []byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	if err != nil {
		return nil, nil, fmt.Errorf("make a certificate request: %w", err)
	}
	parsed, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, nil, fmt.Errorf("make a certificate request: %w", err)
	}
	return parsed, encodePEM("CERTIFICATE REQUEST", der), nil
}

// day formats a date for people.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// renewal returns the advice how an expired certificate of this client is replaced.
func (f Files) renewal() advice.Code {
	if f.OwnClient {
		return RenewOwnClient
	}
	return RenewClient
}
