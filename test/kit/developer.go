//go:build stack

package kit

// The developer's side of a stack: configuration, certificates, client and
// parameters. dir is always the stack's folder.

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/certs"
	"github.com/opensbs/sbs/client/config"
)

// ConfigName is the name of the developer's configuration in the stack's folder.
const ConfigName = "sbs-config.json"

// Configuration reads the developer's configuration. It ignores environment
// variables.
func Configuration(dir string) (*config.Config, error) {
	return config.Load(filepath.Join(dir, ConfigName), func(string) string { return "" })
}

// Certificates returns the paths of the developer's certificates. The
// configuration names them relative to the stack's folder.
func Certificates(dir string) (certs.Files, error) {
	settings, err := Configuration(dir)
	if err != nil {
		return certs.Files{}, err
	}
	files, err := settings.Certificates()
	if err != nil {
		return certs.Files{}, err
	}
	for _, path := range []*string{
		&files.Folder, &files.Client, &files.CA, &files.CAKey, &files.ClientCert, &files.ClientKey,
		&files.ClientCSR, &files.ClientChain, &files.ServerCert, &files.ServerKey, &files.ServerCSR,
	} {
		*path = filepath.Join(dir, *path)
	}
	return files, nil
}

// Connect returns the developer's client of the stack's server.
func Connect(dir string) (*client.Client, error) {
	settings, err := Configuration(dir)
	if err != nil {
		return nil, err
	}
	files, err := Certificates(dir)
	if err != nil {
		return nil, err
	}
	identity, err := certs.LoadClient(files, time.Now())
	if err != nil {
		return nil, err
	}
	hostname, port, err := settings.Server()
	if err != nil {
		return nil, err
	}
	return client.New(hostname, port, identity), nil
}

// Parameters returns the developer's parameters by name, without the build
// arguments of the stack's demo repository.
func Parameters(dir string) (map[string]any, error) {
	settings, err := Configuration(dir)
	if err != nil {
		return nil, err
	}
	body, err := settings.Parameters("")
	if err != nil {
		return nil, err
	}
	var given map[string]any
	if err := json.Unmarshal(body, &given); err != nil {
		return nil, fmt.Errorf("read the parameters: %w", err)
	}
	delete(given, "ARG")
	return given, nil
}

// WithChanges returns a copy of parameters with changes. A change to nil removes a
// parameter.
func WithChanges(given, changes map[string]any) map[string]any {
	changed := maps.Clone(given)
	maps.Copy(changed, changes)
	maps.DeleteFunc(changed, func(_ string, value any) bool { return value == nil })
	return changed
}

// Configure changes the developer's configuration. A change to nil removes a key.
func Configure(t testing.TB, dir string, changes map[string]any) {
	t.Helper()
	path := filepath.Join(dir, ConfigName)
	var given map[string]any
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &given)
	}
	if err == nil {
		text, err = json.Marshal(WithChanges(given, changes))
	}
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
