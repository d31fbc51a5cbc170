//go:build stack

package secrets

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/opensbs/sbs/enclave"
)

// generatedKeys returns the private keys that the server generated, read from its
// sealed files: only the private numbers, because the rest of a key is public.
func (env *environment) generatedKeys(t *testing.T) []secret {
	t.Helper()
	simulated, err := enclave.Simulate(env.Server.Enclave())
	if err != nil {
		t.Fatal(err)
	}
	var found []secret
	root := filepath.Join(env.Server.Volume(), "sealed")
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		content, err := simulated.Unseal(name, text)
		if err != nil {
			return err
		}
		private, err := numbers(name, content)
		for i, number := range private {
			found = append(found, secret{fmt.Sprintf("number %d of the key %s", i, name), string(number)})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// numbers returns the private numbers in the content of a sealed file. An unknown file
// is an error, so that a new one is not left out of the search.
func numbers(name string, content []byte) ([][]byte, error) {
	switch {
	case name == "parameters" || name == "state/generation" || strings.HasPrefix(name, "dct/gun/"):
		return nil, nil // planted values; a counter; public trust data
	case name == "manifest/key" || name == "sigstore/key":
		return fromPKCS8(content)
	case name == "simple/key":
		ring, err := openpgp.ReadKeyRing(bytes.NewReader(content))
		if err != nil || len(ring) != 1 {
			return nil, fmt.Errorf("%s holds %d keys: %w", name, len(ring), err)
		}
		return ofKey(ring[0].PrivateKey.PrivateKey)
	case strings.HasPrefix(name, "dct/"):
		var entry struct{ Key string }
		if err := json.Unmarshal(content, &entry); err != nil {
			return nil, err
		}
		block, _ := pem.Decode([]byte(entry.Key))
		if block == nil {
			return nil, fmt.Errorf("%s holds no key", name)
		}
		return fromPKCS8(block.Bytes)
	}
	return nil, fmt.Errorf("the sealed file %s is not known to this test: add its private numbers here", name)
}

func fromPKCS8(der []byte) ([][]byte, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	return ofKey(key)
}

// ofKey returns the private numbers of a key.
func ofKey(key any) ([][]byte, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return [][]byte{key.D.Bytes(), key.Primes[0].Bytes(), key.Primes[1].Bytes()}, nil
	case *ecdsa.PrivateKey:
		number, err := key.Bytes()
		return [][]byte{number}, err
	}
	return nil, fmt.Errorf("a key of type %T", key)
}
