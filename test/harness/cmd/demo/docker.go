package main

// The configuration of the docker command: the read-only account of the stack's
// registry and the CA of its notary server, apart from the user's own settings.

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/docker/api/types/registry"

	"github.com/opensbs/sbs/test/harness"
)

// writeDockerConfig writes config.json, and the CA of the notary server to
// tls/<host:port>/ca.crt, from where docker reads it.
func writeDockerConfig(dir string, stack *harness.Stack) error {
	notary := filepath.Join(dir, "tls", strings.TrimPrefix(stack.Notary.URL(), "https://"))
	if err := os.MkdirAll(notary, 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(notary, "ca.crt"), stack.Notary.CABundle(), 0o600); err != nil {
		return fmt.Errorf("write the notary's CA: %w", err)
	}
	reader := stack.Registry.Reader()
	account := registry.AuthConfig{Username: reader.User, Password: reader.Password}
	text, err := json.Marshal(map[string]any{
		"auths": map[string]registry.AuthConfig{stack.Registry.Address(): account},
	})
	if err != nil {
		return fmt.Errorf("encode the account: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), text, 0o600); err != nil {
		return fmt.Errorf("write the account: %w", err)
	}
	return nil
}
