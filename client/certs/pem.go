package certs

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/client/advice"
)

// maxPEM bounds every file read here, in bytes.
const maxPEM = 1 << 20

// keyBits is the size of keys made here: what the stock client makes, and what
// every server image takes.
const keyBits = 2048

func newKey() (*rsa.PrivateKey, []byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	return key, encodePEM("PRIVATE KEY", der), nil
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// readCertificate returns the first certificate of a file, and the PEM of that
// certificate alone: a file may hold a private key too, which stays in it.
func readCertificate(path string) (*x509.Certificate, []byte, error) {
	certificates, unreadable, err := readCertificates(path)
	if err := errors.Join(err, unreadable); err != nil {
		return nil, nil, err
	}
	return certificates[0], encodePEM("CERTIFICATE", certificates[0].Raw), nil
}

// checkPublic returns an error for a file with a private key in it: the stock client
// and the tools of the field send such files whole.
func checkPublic(path string) error {
	text, err := readFile(path)
	if err != nil {
		return err
	}
	if err := public.Check(text); err != nil {
		return advice.New(fmt.Errorf("%s %w", path, err), "keep the key in a file of its own (CAKEYPATH; the server's next to its certificate)")
	}
	return nil
}

// readCertificates returns all certificates of a file, at least one. What can't be
// read of the others is in unreadable: bundles of CA certificates are long and old.
func readCertificates(path string) (certificates []*x509.Certificate, unreadable, err error) {
	text, err := readFile(path)
	if err != nil {
		return nil, nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			unreadable = errors.Join(unreadable, fmt.Errorf("%s: %w", path, err))
			continue
		}
		certificates = append(certificates, certificate)
	}
	switch {
	case len(certificates) > 0:
		return certificates, unreadable, nil
	case unreadable != nil:
		return nil, nil, unreadable
	}
	return nil, nil, fmt.Errorf("%s holds no certificate in PEM", path)
}

// readKey returns the first private key of a file, and its PEM.
func readKey(path string) (crypto.Signer, []byte, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" || block.Type == "EC PARAMETERS" {
			continue
		}
		key, err := parseKey(block)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		return key, encodePEM(block.Type, block.Bytes), nil
	}
	return nil, nil, fmt.Errorf("%s holds no private key in PEM", path)
}

func parseKey(block *pem.Block) (crypto.Signer, error) {
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("the private key has a passphrase; remove it with: openssl pkey -in FILE -out NEW_FILE")
	}
	var parsed any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("a PEM block %q is no private key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a private key of type %T can't sign", parsed)
	}
	return signer, nil
}

func readFile(path string) (text []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err = io.ReadAll(io.LimitReader(file, maxPEM+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxPEM {
		return nil, fmt.Errorf("%s is larger than %d KiB", path, maxPEM>>10)
	}
	return text, nil
}

// samePublicKey reports whether key belongs to certificate.
func samePublicKey(certificate *x509.Certificate, key crypto.Signer) bool {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(certificate.PublicKey)
}
