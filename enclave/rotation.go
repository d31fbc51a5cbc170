package enclave

// The succession of server images: a new one may carry the secrets of those
// before it, to open what they sealed. It seals with its own alone.

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// SecretID names the image secret without telling it: 8 bytes, public.
func (e *Enclave) SecretID() []byte { return e.secretID() }

// HasSecret tells whether the image secret of that id is here, as the present
// one or a previous one.
func (e *Enclave) HasSecret(id []byte) bool { return e.secretOf(id) != nil }

// NeedsReseal tells whether a sealed text was sealed under a previous image secret.
func (e *Enclave) NeedsReseal(sealed []byte) bool {
	if len(sealed) < headerSize || string(sealed[:len(sealMagic)]) != sealMagic {
		return false
	}
	id := sealed[len(sealMagic):saltOffset]
	return !bytes.Equal(id, e.secretID()) && e.HasSecret(id)
}

// secretOf is the image secret of that id, or nil.
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
			return nil, fmt.Errorf("%s is not a list of base64 texts", EnvImageSecretPrevious)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}
