package attest

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/opensbs/sbs/client/contract"
)

// decryptRecord opens a record that was encrypted as a contract's sections are.
// Nothing in that form is authenticated: the signature of what comes out is.
func decryptRecord(token []byte, keyFile string) ([]byte, error) {
	key, err := readRSAKey(keyFile)
	if err != nil {
		return nil, err
	}
	text, err := contract.Open(strings.TrimSpace(string(token)), key)
	if err != nil {
		return nil, fmt.Errorf("decrypt the record with %s: %w", keyFile, err)
	}
	return text, nil
}

func readRSAKey(path string) (*rsa.PrivateKey, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("attestation key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("attestation key: %s holds no PEM", path)
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("attestation key: %s is no RSA private key in PEM without a passphrase", path)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("attestation key: %s is not RSA", path)
	}
	return key, nil
}
