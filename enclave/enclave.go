package enclave

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// Kinds of enclave, as shown in statuses and records.
const (
	KindSimulated = "simulated"
	KindContract  = "contract" // secrets from the encrypted workload section
)

// Enclave holds the secrets of one server image. It is safe for concurrent use.
type Enclave struct {
	kind     string
	secret   []byte
	previous [][]byte // secrets of earlier server images; they unseal and never seal
	keys     openpgp.EntityList
}

// minSecret is the minimum length of an image secret, in bytes.
const minSecret = 32

func open(kind string, secret []byte, previous [][]byte, privateKey []byte) (*Enclave, error) {
	for _, secret := range append([][]byte{secret}, previous...) {
		if len(secret) < minSecret {
			return nil, fmt.Errorf("the image secret has %d bytes, at least %d are required", len(secret), minSecret)
		}
	}
	keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(privateKey))
	if err != nil {
		return nil, fmt.Errorf("read the image's OpenPGP key: %w", err)
	}
	if len(keys) == 0 || keys[0].PrivateKey == nil {
		return nil, errors.New("the image's OpenPGP key has no private part")
	}
	return &Enclave{kind: kind, secret: secret, previous: previous, keys: keys}, nil
}

// Names of the environment variables in which the workload section of a contract
// delivers the image's secrets.
const (
	EnvImageSecret     = "IMAGE_SECRET"      // base64 of at least 32 random bytes
	EnvImagePrivateKey = "IMAGE_PRIVATE_KEY" // base64 of the ASCII-armoured OpenPGP private key

	// EnvImageSecretPrevious optionally lists the secrets of earlier server
	// images, each in base64, separated by commas.
	EnvImageSecretPrevious = "IMAGE_SECRET_PREVIOUS"
)

// FromContract returns the enclave whose secrets are in the environment
// variables that the contract sets. getenv is os.Getenv or a replacement.
func FromContract(getenv func(string) string) (*Enclave, error) {
	secret, err := fromBase64(getenv, EnvImageSecret)
	if err != nil {
		return nil, err
	}
	privateKey, err := fromBase64(getenv, EnvImagePrivateKey)
	if err != nil {
		return nil, err
	}
	previous, err := previousSecrets(getenv(EnvImageSecretPrevious))
	if err != nil {
		return nil, err
	}
	e, err := open(KindContract, secret, previous, privateKey)
	if err != nil {
		return nil, fmt.Errorf("open enclave: %w", err)
	}
	return e, nil
}

func fromBase64(getenv func(string) string, name string) ([]byte, error) {
	value := getenv(name)
	if value == "" {
		return nil, fmt.Errorf("%s is not set: the workload section of the contract must set it", name)
	}
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, fmt.Errorf("%s is not base64", name)
	}
	return raw, nil
}

// Kind returns KindSimulated or KindContract.
func (e *Enclave) Kind() string { return e.kind }

// maxMessage is the maximum size of an OpenPGP message and of its text, in bytes.
const maxMessage = 1 << 20

// OpenMessage decrypts an ASCII-armoured OpenPGP message (RFC 9580) that was
// encrypted to the image's key, such as SERVER_KEY.
func (e *Enclave) OpenMessage(message []byte) ([]byte, error) {
	block, err := armor.Decode(io.LimitReader(bytes.NewReader(message), maxMessage))
	if err != nil {
		return nil, fmt.Errorf("open OpenPGP message: not ASCII-armoured: %w", err)
	}
	details, err := openpgp.ReadMessage(block.Body, e.keys, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("open OpenPGP message (was it encrypted to this image's public key?): %w", err)
	}
	if !details.IsEncrypted {
		return nil, errors.New("open OpenPGP message: it is not encrypted, so that others have read it")
	}
	// The integrity of the text is known only after it was read to its end.
	text, err := io.ReadAll(io.LimitReader(details.UnverifiedBody, maxMessage+1))
	if err != nil {
		return nil, fmt.Errorf("open OpenPGP message: %w", err)
	}
	if len(text) > maxMessage {
		return nil, fmt.Errorf("open OpenPGP message: its text is longer than %d bytes", maxMessage)
	}
	return text, nil
}
