package enclave

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Files of a simulated enclave's folder.
const (
	fileSecret     = "image-secret"
	filePrevious   = "image-secret-previous" // of the server image before; may be missing
	filePrivateKey = "server-image-private.asc"

	// FilePublicKey is the public key that a developer encrypts SERVER_KEY to.
	FilePublicKey = "server-image-public.asc"
)

// Simulate opens the simulated enclave in the folder dir and generates its
// secrets on first use. It is for trials and tests: anyone who can read the
// folder has the secrets.
func Simulate(dir string) (*Enclave, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("simulate enclave: %w", err)
	}
	secret, err := os.ReadFile(filepath.Join(dir, fileSecret))
	if errors.Is(err, fs.ErrNotExist) {
		if secret, err = generateSecrets(dir); err != nil {
			return nil, fmt.Errorf("simulate enclave: make its secrets: %w", err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("simulate enclave: %w", err)
	}
	privateKey, err := os.ReadFile(filepath.Join(dir, filePrivateKey))
	if err != nil {
		return nil, fmt.Errorf("simulate enclave: %w", err)
	}
	var previous [][]byte
	switch earlier, err := os.ReadFile(filepath.Join(dir, filePrevious)); {
	case err == nil:
		previous = append(previous, earlier)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("simulate enclave: %w", err)
	}
	e, err := open(KindSimulated, secret, previous, privateKey)
	if err != nil {
		return nil, fmt.Errorf("simulate enclave in %s: %w", dir, err)
	}
	return e, nil
}

// generateSecrets writes the key pair first and the secret last, so that a folder
// with a secret is complete.
func generateSecrets(dir string) ([]byte, error) {
	keys, err := newKeyPair("simulated enclave")
	if err != nil {
		return nil, err
	}
	secret := make([]byte, minSecret)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	for _, file := range []struct {
		name    string
		content []byte
		mode    fs.FileMode
	}{
		{filePrivateKey, keys.private, 0o600},
		{FilePublicKey, keys.public, 0o644},
		{fileSecret, secret, 0o600},
	} {
		if err := os.WriteFile(filepath.Join(dir, file.name), file.content, file.mode); err != nil {
			return nil, err
		}
	}
	return secret, nil
}
