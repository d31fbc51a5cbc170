package attest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// decryptRecord opens a token "<prefix>.<password>.<text>", both in base64: the
// password is encrypted to an RSA key (PKCS #1 v1.5), the text under the
// password as openssl enc -aes-256-cbc -pbkdf2 does it.
func decryptRecord(token []byte, keyFile string) ([]byte, error) {
	key, err := readRSAKey(keyFile)
	if err != nil {
		return nil, err
	}
	parts := strings.Split(strings.TrimSpace(string(token)), ".")
	if len(parts) != 3 || parts[0] != "hyper-protect-basic" && parts[0] != "contract-basic" {
		return nil, errors.New("the encrypted record is not of the form hyper-protect-basic.<password>.<text>")
	}
	sealed, err := base64.StdEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, errors.New("the encrypted record's password is not base64")
	}
	text, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, errors.New("the encrypted record's text is not base64")
	}
	password, err := rsa.DecryptPKCS1v15(nil, key, sealed)
	if err != nil {
		return nil, fmt.Errorf("the record is encrypted to another key than %s", keyFile)
	}
	return openSalted(text, password)
}

// openSalted reads what openssl enc writes: "Salted__", 8 bytes of salt, and
// AES-256-CBC with PKCS #7. Nothing in it is authenticated: the signature of
// what comes out is.
func openSalted(text, password []byte) ([]byte, error) {
	const magic, saltSize, iterations = "Salted__", 8, 10_000
	if !bytes.HasPrefix(text, []byte(magic)) || len(text) <= len(magic)+saltSize || len(text)%aes.BlockSize != 0 {
		return nil, errors.New("the encrypted record is not what openssl enc writes")
	}
	salt, body := text[len(magic):len(magic)+saltSize], text[len(magic)+saltSize:]
	derived, err := pbkdf2.Key(sha256.New, string(password), salt, iterations, 32+aes.BlockSize)
	if err != nil {
		return nil, fmt.Errorf("decrypt record: %w", err)
	}
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		return nil, fmt.Errorf("decrypt record: %w", err)
	}
	clear := make([]byte, len(body))
	cipher.NewCBCDecrypter(block, derived[32:]).CryptBlocks(clear, body)
	padding := int(clear[len(clear)-1])
	if padding == 0 || padding > aes.BlockSize || !bytes.Equal(clear[len(clear)-padding:], bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, errors.New("the encrypted record can't be decrypted: it was changed")
	}
	return clear[:len(clear)-padding], nil
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
