package attest

// The chain of the attestation certificate. IBM's has an unusual end: the
// certificate above the attestation certificate is a code-signing one and no
// authority in the sense of RFC 5280, so that link is checked as IBM documents it
// (name, signature, dates), and those above it as RFC 5280 has them.

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/client/advice"
)

// chain is an attestation certificate and the certificates above it.
type chain struct {
	leaf  *x509.Certificate
	above []*x509.Certificate
	root  *x509.Certificate
	lists []*x509.RevocationList
}

func (h *HPCR) chain() (chain, error) {
	if h.Certificate == "" || h.Root == "" {
		return chain{}, advice.New(errors.New("the policy names no attestation certificate, or no root that it must lead to"), "give --certificate, --chain and --root, or hpcr in the policy file")
	}
	leaf, err := oneCertificate(h.Certificate)
	if err != nil {
		return chain{}, err
	}
	root, err := oneCertificate(h.Root)
	if err != nil {
		return chain{}, err
	}
	c := chain{leaf: leaf, root: root}
	for _, path := range h.Chain {
		certificates, err := readCertificates(path)
		if err != nil {
			return chain{}, err
		}
		c.above = append(c.above, certificates...)
	}
	for _, path := range h.RevocationLists {
		list, err := readRevocationList(path)
		if err != nil {
			return chain{}, err
		}
		c.lists = append(c.lists, list)
	}
	return c, nil
}

// verify returns the chain from the leaf to the root.
func (c chain) verify(now time.Time) ([]*x509.Certificate, error) {
	if err := valid(c.leaf, now); err != nil {
		return nil, err
	}
	issuer, err := c.issuer()
	if err != nil {
		return nil, err
	}
	path := []*x509.Certificate{c.leaf}
	if issuer.Equal(c.root) {
		if err := valid(issuer, now); err != nil {
			return nil, err
		}
		path = append(path, issuer)
	} else {
		above, err := c.authorities(issuer, now)
		if err != nil {
			return nil, err
		}
		path = append(path, above...)
	}
	return path, c.revoked(path, now)
}

// issuer is the certificate that signed the leaf.
func (c chain) issuer() (*x509.Certificate, error) {
	for _, candidate := range append([]*x509.Certificate{c.root}, c.above...) {
		if !bytes.Equal(candidate.RawSubject, c.leaf.RawIssuer) {
			continue
		}
		if err := candidate.CheckSignature(c.leaf.SignatureAlgorithm, c.leaf.RawTBSCertificate, c.leaf.Signature); err == nil {
			return candidate, nil
		}
	}
	return nil, fmt.Errorf("none of the given certificates signed %s", name(c.leaf))
}

// authorities verifies the issuer's own chain.
func (c chain) authorities(issuer *x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(c.root)
	for _, certificate := range c.above {
		intermediates.AddCert(certificate)
	}
	chains, err := issuer.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, fmt.Errorf("%s does not lead to the given root: %w", name(issuer), err)
	}
	return chains[0], nil
}

// revoked looks for the certificates of path in the lists of their issuers. A
// list that nobody in path has signed, or that is out of date, is an error: it
// was given to be obeyed.
func (c chain) revoked(path []*x509.Certificate, now time.Time) error {
	for _, list := range c.lists {
		applies := false
		for i, issuer := range path[1:] {
			if !bytes.Equal(list.RawIssuer, issuer.RawSubject) || issuer.CheckSignature(list.SignatureAlgorithm, list.RawTBSRevocationList, list.Signature) != nil {
				continue
			}
			applies = true
			for _, entry := range list.RevokedCertificateEntries {
				if entry.SerialNumber.Cmp(path[i].SerialNumber) == 0 {
					return fmt.Errorf("%s was revoked on %s", name(path[i]), day(entry.RevocationTime))
				}
			}
		}
		switch {
		case !applies:
			return fmt.Errorf("the revocation list of %s is signed by no certificate of the chain", list.Issuer)
		case now.After(list.NextUpdate):
			return advice.New(fmt.Errorf("the revocation list of %s is out of date since %s", list.Issuer, day(list.NextUpdate)), "fetch the new one from the address in the certificate")
		}
	}
	return nil
}

func valid(certificate *x509.Certificate, now time.Time) error {
	switch {
	case now.After(certificate.NotAfter):
		return fmt.Errorf("%s expired on %s", name(certificate), day(certificate.NotAfter))
	case now.Before(certificate.NotBefore):
		return fmt.Errorf("%s is not valid before %s", name(certificate), day(certificate.NotBefore))
	}
	return nil
}

func name(certificate *x509.Certificate) string {
	return fmt.Sprintf("the certificate %q", certificate.Subject.CommonName)
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

func oneCertificate(path string) (*x509.Certificate, error) {
	certificates, err := readCertificates(path)
	if err != nil {
		return nil, err
	}
	if len(certificates) != 1 {
		return nil, fmt.Errorf("%s holds %d certificates, one is wanted", path, len(certificates))
	}
	return certificates[0], nil
}

func readCertificates(path string) ([]*x509.Certificate, error) {
	content, err := readFile(path)
	if err != nil {
		return nil, err
	}
	var certificates []*x509.Certificate
	if bytes.Contains(content, []byte("-----BEGIN ")) {
		certificates, err = public.ParseCertificates(content)
	} else if err = public.Check(content); err == nil {
		certificates, err = x509.ParseCertificates(content)
	}
	if err == nil && len(certificates) == 0 {
		err = errors.New("holds no certificate")
	}
	if err != nil {
		return nil, fmt.Errorf("read certificate: %s %w", path, err)
	}
	return certificates, nil
}

func readRevocationList(path string) (*x509.RevocationList, error) {
	content, err := readFile(path)
	if err != nil {
		return nil, err
	}
	list, err := public.RevocationList(content)
	if err != nil {
		return nil, fmt.Errorf("read revocation list: %s %w", path, err)
	}
	return list, nil
}
