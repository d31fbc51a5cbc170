//go:build stack

package state

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/opensbs/sbs/test/kit"
)

// environment is a stack whose developer has a folder with a configuration.
type environment struct{ *kit.Environment }

func start(t testing.TB) *environment {
	t.Helper()
	return &environment{kit.StartForTest(t, nil)}
}

// replaced gives the user a new server of the same image: the old one is gone
// with all that was on its volume.
func (env *environment) replaced(t *testing.T) {
	t.Helper()
	err := env.Server.Kill()
	if err == nil {
		err = os.RemoveAll(env.Server.Volume())
	}
	if err == nil {
		err = env.Server.Restart(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// succeeded starts a new server image on the volume: it has a secret of its own,
// and that of its predecessor.
func (env *environment) succeeded(t *testing.T) {
	t.Helper()
	secret := filepath.Join(env.Server.Enclave(), "image-secret")
	fresh := make([]byte, 32)
	_, err := rand.Read(fresh)
	if err == nil {
		err = os.Rename(secret, secret+"-previous")
	}
	if err == nil {
		err = os.WriteFile(secret, fresh, 0o600)
	}
	if err == nil {
		err = env.Server.Restart(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// forgets restarts the server without the secret of its predecessor.
func (env *environment) forgets(t *testing.T) {
	t.Helper()
	err := os.Remove(filepath.Join(env.Server.Enclave(), "image-secret-previous"))
	if err == nil {
		err = env.Server.Restart(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// guide runs a command of the guide, which must succeed, and returns what it
// prints.
func (env *environment) guide(t testing.TB, command string) string {
	t.Helper()
	return env.MustCLI(t, command).Out
}

// refused runs a command that must fail, and returns its error.
func (env *environment) refused(t *testing.T, command string) string {
	t.Helper()
	output := env.CLI(t, command)
	if output.Code == 0 {
		t.Fatalf("sbs-cli %s succeeded", command)
	}
	return output.Err
}

// build builds, and returns the name of the build.
func (env *environment) build(t testing.TB) string {
	t.Helper()
	env.guide(t, "build --env sbs-config.json")
	env.guide(t, "status --env sbs-config.json --wait")
	var status struct {
		Status string `json:"status"`
		Name   string `json:"build_name"`
	}
	if err := json.Unmarshal([]byte(env.guide(t, "status --env sbs-config.json")), &status); err != nil || status.Status != "success" {
		t.Fatalf("status %+v, %v", status, err)
	}
	return status.Name
}

// publicKey is the key that verifies the manifest of a build.
func (env *environment) publicKey(t *testing.T, build string) string {
	t.Helper()
	var key struct {
		PEM string `json:"public_key_pem"`
	}
	if err := json.Unmarshal([]byte(env.guide(t, "get-publickey --json --build-name "+build)), &key); err != nil || key.PEM == "" {
		t.Fatalf("public key %q, %v", key.PEM, err)
	}
	return key.PEM
}

// rootKeys are the ids of the root keys of the image, as docker sees them.
func (env *environment) rootKeys(t *testing.T) string {
	t.Helper()
	shown := kit.MustExecute(t, "", env.DockerEnvironment(t), "", "docker", "trust", "inspect", env.Image()).Out
	var inspected []struct {
		AdministrativeKeys []struct {
			Name string
			Keys []struct{ ID string }
		}
	}
	if err := json.Unmarshal([]byte(shown), &inspected); err != nil || len(inspected) != 1 {
		t.Fatalf("docker trust inspect: %v: %s", err, shown)
	}
	for _, role := range inspected[0].AdministrativeKeys {
		if role.Name == "Root" && len(role.Keys) > 0 {
			return fmt.Sprint(role.Keys)
		}
	}
	t.Fatalf("docker trust inspect shows no root key: %s", shown)
	return ""
}
