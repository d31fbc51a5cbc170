package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/opensbs/sbs/client/advice"
)

// Identity holds the checked certificates and key of one side of the connection.
type Identity struct {
	Root        *x509.Certificate // the authority that signed Certificate
	Roots       *x509.CertPool    // every authority in the file CAPATH, Root among them
	Certificate *x509.Certificate // the side's own
	TLS         tls.Certificate   // the same with its key, for crypto/tls

	RootPEM        []byte // Root alone
	CertificatePEM []byte // the certificate alone, without a key
	KeyPEM         []byte // secret
}

// LoadClient reads the client certificate, its key and the authority, and checks
// that they fit together and are valid at now. Errors have advice.
func LoadClient(f Files, now time.Time) (Identity, error) {
	id, trusted, err := load(f, f.Client, f.Client, now)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("client certificate: %w", err)
		if f.OwnClient {
			return Identity{}, advice.New(err, "look at CLIENT_CRT_KEY, CAPATH and CAKEYPATH in the configuration: they name files that are not there")
		}
		return Identity{}, advice.Coded(err, NoClientCertificate)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("client certificate: %w", err)
	}
	if id, err = id.verified(trusted, check{f.Client, x509.ExtKeyUsageClientAuth, "", f.CA, f.renewal()}, now); err != nil {
		return Identity{}, fmt.Errorf("client certificate: %w", err)
	}
	return id, nil
}

// LoadServer reads the server certificate, its key and the authority, and
// checks that they fit together, hold hostname and are valid at now.
func LoadServer(f Files, hostname string, now time.Time) (Identity, error) {
	id, trusted, err := load(f, f.ServerCert, f.ServerKey, now)
	if err == nil {
		err = checkPublic(f.ServerCert) // it becomes SERVER_CRT; the key has a file of its own
	}
	if errors.Is(err, fs.ErrNotExist) {
		return Identity{}, advice.Coded(fmt.Errorf("server certificate: %w", err), NoServerCertificate)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("server certificate: %w", err)
	}
	if id, err = id.verified(trusted, check{f.ServerCert, x509.ExtKeyUsageServerAuth, hostname, f.CA, RenewServer}, now); err != nil {
		return Identity{}, fmt.Errorf("server certificate: %w", err)
	}
	return id, nil
}

func load(f Files, certificatePath, keyPath string, now time.Time) (id Identity, trusted roots, err error) {
	if trusted, err = loadRoots(f, now); err != nil {
		return Identity{}, roots{}, err
	}
	if id.Certificate, id.CertificatePEM, err = readCertificate(certificatePath); err != nil {
		return Identity{}, roots{}, err
	}
	key, keyPEM, err := readKey(keyPath)
	if err != nil {
		return Identity{}, roots{}, err
	}
	if !samePublicKey(id.Certificate, key) {
		return Identity{}, roots{}, fmt.Errorf("the key in %s does not belong to the certificate in %s", keyPath, certificatePath)
	}
	id.KeyPEM = keyPEM
	id.TLS = tls.Certificate{Certificate: [][]byte{id.Certificate.Raw}, PrivateKey: key, Leaf: id.Certificate}
	return id, trusted, nil
}

// check is the purpose a certificate must serve, and how errors name it.
type check struct {
	path     string // of the certificate
	usage    x509.ExtKeyUsage
	hostname string // that it must hold; "" for none
	caPath   string
	renewal  advice.Code // when it can't be used any more
}

// verified checks the certificate as the peer will, and returns the identity with
// the authority that signed it.
func (id Identity) verified(trusted roots, c check, now time.Time) (Identity, error) {
	id.Roots = trusted.pool()
	chains, err := id.Certificate.Verify(x509.VerifyOptions{
		Roots:       id.Roots,
		CurrentTime: now,
		DNSName:     c.hostname,
		KeyUsages:   []x509.ExtKeyUsage{c.usage},
	})
	if err != nil {
		return Identity{}, id.explain(err, trusted, c, now)
	}
	chain := chains[0]
	id.Root = chain[len(chain)-1]
	id.RootPEM = encodePEM("CERTIFICATE", id.Root.Raw)
	return id, nil
}

func (id Identity) explain(err error, trusted roots, c check, now time.Time) error {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && now.Before(id.Certificate.NotBefore):
		return advice.New(fmt.Errorf("%s is not valid before %s", c.path, day(id.Certificate.NotBefore)), "check this machine's clock")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return advice.Coded(fmt.Errorf("%s expired on %s", c.path, day(id.Certificate.NotAfter)), c.renewal)
	case errors.As(err, &unknown) && trusted.explains(id.Certificate) != nil:
		return trusted.explains(id.Certificate)
	case errors.As(err, &unknown):
		return advice.Coded(fmt.Errorf("%s was not signed by %s", c.path, c.caPath), c.renewal)
	case errors.As(err, &name):
		return advice.Coded(fmt.Errorf("%s is not for the HOSTNAME %s", c.path, c.hostname), c.renewal)
	}
	return advice.Coded(fmt.Errorf("%s: %w", c.path, err), c.renewal)
}
