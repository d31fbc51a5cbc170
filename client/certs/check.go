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

// Identity is what one side of the connection uses, checked.
type Identity struct {
	Root        *x509.Certificate // the authority
	Certificate *x509.Certificate // the side's own
	TLS         tls.Certificate   // the same with its key, for crypto/tls

	RootPEM        []byte // the authority alone
	CertificatePEM []byte // the certificate alone, without a key
	KeyPEM         []byte // secret
}

// LoadClient reads the client certificate, its key and the authority, and
// checks that they fit together and are valid at now. Errors say what to do.
func LoadClient(f Files, now time.Time) (Identity, error) {
	id, err := load(f, f.Client, f.Client, now)
	if errors.Is(err, fs.ErrNotExist) {
		next := "run sbs-cli create-client-cert first; certificates are looked for in the working directory"
		if f.OwnClient {
			next = "look at CLIENT_CRT_KEY, CAPATH and CAKEYPATH in the configuration: they name files that are not there"
		}
		return Identity{}, advice.New(fmt.Errorf("client certificate: %w", err), next)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("client certificate: %w", err)
	}
	if err := id.verify(f.Client, x509.ExtKeyUsageClientAuth, "", f.CA, f.renewal(), now); err != nil {
		return Identity{}, fmt.Errorf("client certificate: %w", err)
	}
	return id, nil
}

// LoadServer reads the server certificate, its key and the authority, and
// checks that they fit together, hold hostname and are valid at now.
func LoadServer(f Files, hostname string, now time.Time) (Identity, error) {
	id, err := load(f, f.ServerCert, f.ServerKey, now)
	if errors.Is(err, fs.ErrNotExist) {
		return Identity{}, advice.New(fmt.Errorf("server certificate: %w", err), "run sbs-cli create-server-cert first")
	}
	if err != nil {
		return Identity{}, fmt.Errorf("server certificate: %w", err)
	}
	const renewal = "run sbs-cli create-server-cert to make it again"
	if err := id.verify(f.ServerCert, x509.ExtKeyUsageServerAuth, hostname, f.CA, renewal, now); err != nil {
		return Identity{}, fmt.Errorf("server certificate: %w", err)
	}
	return id, nil
}

func load(f Files, certificatePath, keyPath string, now time.Time) (id Identity, err error) {
	if id.Root, err = loadRoot(f, now); err != nil {
		return Identity{}, err
	}
	id.RootPEM = encodePEM("CERTIFICATE", id.Root.Raw)
	if id.Certificate, id.CertificatePEM, err = readCertificate(certificatePath); err != nil {
		return Identity{}, err
	}
	key, keyPEM, err := readKey(keyPath)
	if err != nil {
		return Identity{}, err
	}
	if !samePublicKey(id.Certificate, key) {
		return Identity{}, fmt.Errorf("the key in %s does not belong to the certificate in %s", keyPath, certificatePath)
	}
	id.KeyPEM = keyPEM
	id.TLS = tls.Certificate{Certificate: [][]byte{id.Certificate.Raw}, PrivateKey: key, Leaf: id.Certificate}
	return id, nil
}

// verify checks the certificate the way the other side will. An empty hostname
// is not looked at.
func (id Identity) verify(path string, usage x509.ExtKeyUsage, hostname, caPath, renewal string, now time.Time) error {
	roots := x509.NewCertPool()
	roots.AddCert(id.Root)
	_, err := id.Certificate.Verify(x509.VerifyOptions{
		Roots:       roots,
		CurrentTime: now,
		DNSName:     hostname,
		KeyUsages:   []x509.ExtKeyUsage{usage},
	})
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && now.Before(id.Certificate.NotBefore):
		return advice.New(fmt.Errorf("%s is not valid before %s", path, day(id.Certificate.NotBefore)), "check this machine's clock")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return advice.New(fmt.Errorf("%s expired on %s", path, day(id.Certificate.NotAfter)), renewal)
	case errors.As(err, &unknown):
		return advice.New(fmt.Errorf("%s was not signed by %s", path, caPath), renewal)
	case errors.As(err, &name):
		return advice.New(fmt.Errorf("%s is not for the HOSTNAME %s", path, hostname), renewal)
	}
	return advice.New(fmt.Errorf("%s: %w", path, err), renewal)
}
