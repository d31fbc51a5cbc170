package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/atomicfile"
)

// CreateServer makes the server's key, request and certificate for hostname
// when there are none, or when those that are there no longer serve; reason
// then is why. With reason empty they are fine and untouched.
func CreateServer(f Files, hostname string, now time.Time) (reason string, err error) {
	if hostname == "" {
		return "", advice.New(errors.New("create server certificate: HOSTNAME is missing"), "set HOSTNAME to the name that you will reach the server by")
	}
	ca, err := loadAuthority(f, now)
	if err != nil {
		return "", fmt.Errorf("create server certificate: %w", err)
	}
	switch _, err := LoadServer(f, hostname, now); {
	case err == nil:
		return "", nil
	case errors.Is(err, fs.ErrNotExist):
		reason = "there was none"
	case errors.Is(err, public.ErrPrivate):
		return "", err // writing over it would lose the key
	default:
		reason = err.Error()
	}
	files, err := serverFiles(f, ca, hostname, now)
	if err != nil {
		return "", fmt.Errorf("create server certificate: %w", err)
	}
	for _, file := range files {
		if err := os.MkdirAll(filepath.Dir(file.path), 0o700); err != nil {
			return "", fmt.Errorf("create server certificate: %w", err)
		}
		if err := atomicfile.Write(file.path, file.data, file.mode); err != nil {
			return "", fmt.Errorf("create server certificate: %w", err)
		}
	}
	return reason, nil
}

func serverFiles(f Files, ca authority, hostname string, now time.Time) ([]content, error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	names, addresses := alternativeNames(hostname)
	csr, csrPEM, err := request(key, x509.CertificateRequest{Subject: subject("Server"), DNSNames: names, IPAddresses: addresses})
	if err != nil {
		return nil, err
	}
	template, err := leaf("Server", now)
	if err != nil {
		return nil, err
	}
	template.DNSNames, template.IPAddresses = names, addresses
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := ca.sign(csr, template)
	if err != nil {
		return nil, err
	}
	// The certificate comes last: while it is missing or old, the next call
	// makes all three again.
	return []content{
		{f.ServerKey, keyPEM, secretMode},
		{f.ServerCSR, csrPEM, publicMode},
		{f.ServerCert, encodePEM("CERTIFICATE", der), publicMode},
	}, nil
}

// alternativeNames returns the SAN entry of a host, by its kind.
func alternativeNames(hostname string) (names []string, addresses []net.IP) {
	if address := net.ParseIP(hostname); address != nil {
		return nil, []net.IP{address}
	}
	return []string{hostname}, nil
}
