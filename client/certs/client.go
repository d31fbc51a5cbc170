package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/opensbs/sbs/client/advice"
)

// CreateClient makes an authority and a client certificate in the default
// files, and returns the files it made. It overwrites nothing. When their owner
// named the files, they are checked and nothing is made.
func CreateClient(f Files, now time.Time) (made []string, err error) {
	if f.OwnClient {
		_, err := LoadClient(f, now)
		return nil, err
	}
	found, err := existing(f.client())
	if err != nil {
		return nil, fmt.Errorf("create client certificate: %w", err)
	}
	if len(found) > 0 {
		return nil, advice.Coded(
			fmt.Errorf("create client certificate: these files exist already: %s", strings.Join(found, ", ")),
			ClientExists)
	}
	files, err := clientFiles(f, now)
	if err != nil {
		return nil, fmt.Errorf("create client certificate: %w", err)
	}
	if err := os.MkdirAll(f.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("create client certificate: %w", err)
	}
	// The stock client makes the folder with the umask's rights.
	if err := os.Chmod(f.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("create client certificate: %w", err)
	}
	for _, file := range files {
		if err := writeNew(file); err != nil {
			return nil, errors.Join(fmt.Errorf("create client certificate: %w", err), remove(made))
		}
		made = append(made, file.path)
	}
	return made, nil
}

// content is a file to be written.
type content struct {
	path string
	data []byte
	mode os.FileMode
}

// Modes of what is written: certificates are public, keys are not.
const (
	publicMode = 0o644
	secretMode = 0o600
)

func clientFiles(f Files, now time.Time) ([]content, error) {
	ca, caPEM, caKeyPEM, err := newAuthority(now)
	if err != nil {
		return nil, err
	}
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	csr, csrPEM, err := request(key, x509.CertificateRequest{Subject: subject("Client")})
	if err != nil {
		return nil, err
	}
	template, err := leaf("Client", now)
	if err != nil {
		return nil, err
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	der, err := ca.sign(csr, template)
	if err != nil {
		return nil, err
	}
	certPEM := encodePEM("CERTIFICATE", der)
	return []content{
		{f.CA, caPEM, publicMode},
		{f.CAKey, caKeyPEM, secretMode},
		{f.ClientCert, certPEM, publicMode},
		{f.ClientKey, keyPEM, secretMode},
		{f.ClientCSR, csrPEM, publicMode},
		{f.ClientChain, slices.Concat(certPEM, caPEM), publicMode},
		{f.Client, slices.Concat(certPEM, keyPEM), secretMode},
	}, nil
}

// writeNew writes a file that must not exist yet.
func writeNew(c content) (err error) {
	file, err := os.OpenFile(c.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, c.mode)
	if err != nil {
		return err
	}
	_, err = file.Write(c.data)
	return errors.Join(err, file.Sync(), file.Close())
}

func remove(paths []string) error {
	var failed error
	for _, path := range paths {
		failed = errors.Join(failed, os.Remove(path))
	}
	return failed
}
