package enclave

// Rotation of image secrets: a new server image may hold the secrets of earlier
// ones to unseal what they sealed. It seals only with its own.

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// SecretID returns the public id of the image secret, 8 bytes.
func (e *Enclave) SecretID() []byte { return e.secretID() }

// HasSecret reports whether the enclave holds the image secret with that id, as
// the current one or a previous one.
func (e *Enclave) HasSecret(id []byte) bool { return e.secretOf(id) != nil }

// NeedsReseal reports whether a text was sealed under a previous image secret.
func (e *Enclave) NeedsReseal(sealed []byte) bool {
	if len(sealed) < headerSize || string(sealed[:len(sealMagic)]) != sealMagic {
		return false
	}
	id := sealed[len(sealMagic):saltOffset]
	return !bytes.Equal(id, e.secretID()) && e.HasSecret(id)
}

// secretOf returns the image secret with that id, or nil.
func (e *Enclave) secretOf(id []byte) []byte {
	for _, secret := range append([][]byte{e.secret}, e.previous...) {
		if bytes.Equal(id, idOf(secret)) {
			return secret
		}
	}
	return nil
}

func (e *Enclave) secretID() []byte { return idOf(e.secret) }

func idOf(secret []byte) []byte {
	id := sha256.Sum256(append([]byte(sealID), secret...))
	return id[:idSize]
}

func previousSecrets(list string) ([][]byte, error) {
	var secrets [][]byte
	for text := range strings.SplitSeq(list, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		secret, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%s is not a comma-separated list of base64 values", EnvImageSecretPrevious)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}
