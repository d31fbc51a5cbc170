package notaryserver

// The files that the server reads: its certificate and its configuration.

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opensbs/sbs/test/harness/loopback"
)

const (
	caName     = "ca.pem"
	keyName    = "server-key.pem"
	configName = "config.json"
	logName    = "notary-server.log"
)

// writeCertificate generates a certificate for 127.0.0.1 and localhost, writes it
// and its key to dir, and returns the certificate as PEM.
func writeCertificate(dir string) ([]byte, error) {
	config, certificate, err := loopback.Certificate("Local stack notary server")
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(config.Certificates[0].PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("encode the key: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(filepath.Join(dir, keyName), key, 0o600); err != nil {
		return nil, err
	}
	return certificate, os.WriteFile(filepath.Join(dir, caName), certificate, 0o600)
}

// writeConfig writes the server's configuration, as described in the notary
// project's docs/reference/server-config.md, and returns its path.
func writeConfig(dir, address string) (string, error) {
	absolute, err := filepath.Abs(dir) // the server reads paths relative to the file
	if err != nil {
		return "", err
	}
	config, err := json.MarshalIndent(map[string]any{
		"server": map[string]string{
			"http_addr":     address,
			"tls_cert_file": filepath.Join(absolute, caName),
			"tls_key_file":  filepath.Join(absolute, keyName),
		},
		"trust_service": map[string]string{"type": "local"},
		"storage":       map[string]string{"backend": "memory"},
		"logging":       map[string]string{"level": "info"},
	}, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode configuration: %w", err)
	}
	path := filepath.Join(absolute, configName)
	return path, os.WriteFile(path, config, 0o600)
}
