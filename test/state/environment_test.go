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

// environment is a stack of its own for one test.
type environment struct{ *kit.Environment }

func start(t testing.TB) *environment {
	t.Helper()
	return &environment{kit.StartForTest(t, nil)}
}

// replaceServer kills the server, empties its volume and starts a new server of the
// same server image.
func (env *environment) replaceServer(t *testing.T) {
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

// changeServerImage restarts the server as a newer server image does: with a new
// image secret, and with the old one as the previous secret.
func (env *environment) changeServerImage(t *testing.T) {
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

// removePreviousSecret restarts the server without the previous image secret.
func (env *environment) removePreviousSecret(t *testing.T) {
	t.Helper()
	err := os.Remove(filepath.Join(env.Server.Enclave(), "image-secret-previous"))
	if err == nil {
		err = env.Server.Restart(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// cli runs a command, which must succeed, and returns its standard output.
func (env *environment) cli(t testing.TB, command string) string {
	t.Helper()
	return env.MustCLI(t, command).Out
}

// refusal runs a command, which must fail, and returns its standard error.
func (env *environment) refusal(t *testing.T, command string) string {
	t.Helper()
	output := env.CLI(t, command)
	if output.Code == 0 {
		t.Fatalf("sbs-cli %s succeeded", command)
	}
	return output.Err
}

// build starts a build, which must succeed, and returns its name.
func (env *environment) build(t testing.TB) string {
	t.Helper()
	env.cli(t, "build --env sbs-config.json")
	env.cli(t, "status --env sbs-config.json --wait")
	var status struct {
		Status string `json:"status"`
		Name   string `json:"build_name"`
	}
	if err := json.Unmarshal([]byte(env.cli(t, "status --env sbs-config.json")), &status); err != nil || status.Status != "success" {
		t.Fatalf("status %+v, %v", status, err)
	}
	return status.Name
}

// publicKey returns the public key of the manifest of a build, in PEM.
func (env *environment) publicKey(t *testing.T, build string) string {
	t.Helper()
	var key struct {
		PEM string `json:"public_key_pem"`
	}
	if err := json.Unmarshal([]byte(env.cli(t, "get-publickey --json --build-name "+build)), &key); err != nil || key.PEM == "" {
		t.Fatalf("public key %q, %v", key.PEM, err)
	}
	return key.PEM
}

// rootKeys returns the ids of the image's root keys that docker trust inspect
// shows.
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
