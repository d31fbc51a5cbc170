//go:build stack

package state

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/harness"
)

// patience bounds each command.
const patience = 2 * time.Minute

// environment is a stack whose user has a folder with a configuration.
type environment struct {
	*harness.Stack
	client string // path of sbs-cli
}

func start(t testing.TB) *environment {
	t.Helper()
	programs, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	programs.Dir = filepath.Join(t.TempDir(), "stack")
	stack, err := harness.Start(t.Context(), programs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &environment{stack, programs.ClientBinary}
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

// configure changes keys of the user's configuration.
func (env *environment) configure(t testing.TB, changes map[string]string) {
	t.Helper()
	path := filepath.Join(env.Dir(), "sbs-config.json")
	var config map[string]any
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &config)
	}
	for key, value := range changes {
		config[key] = value
	}
	if err == nil {
		text, err = json.Marshal(config)
	}
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// guide types a command of the guide, which must succeed, and returns what it
// prints.
func (env *environment) guide(t testing.TB, command string) string {
	t.Helper()
	out, err := run(t, env.Dir(), nil, env.client, strings.Fields(command)...)
	if err != nil {
		t.Fatalf("sbs-cli %s: %v", command, err)
	}
	return out
}

// refused types a command that must fail, and returns what it says.
func (env *environment) refused(t *testing.T, command string) string {
	t.Helper()
	_, err := run(t, env.Dir(), nil, env.client, strings.Fields(command)...)
	if err == nil {
		t.Fatalf("sbs-cli %s succeeded", command)
	}
	return err.Error()
}

func run(t testing.TB, dir string, environment []string, program string, arguments ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir, command.Env = dir, append(os.Environ(), environment...)
	command.WaitDelay = time.Second
	var out, messages bytes.Buffer
	command.Stdout, command.Stderr = &out, &messages
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", errors.Join(err, ctx.Err()), messages.String())
	}
	return out.String(), nil
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
	dir := t.TempDir()
	address := strings.TrimPrefix(env.Notary.URL(), "https://")
	notary := filepath.Join(dir, "tls", address)
	err := os.MkdirAll(notary, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(notary, "ca.crt"), env.Notary.CABundle(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	shown, err := run(t, dir, []string{"DOCKER_CONFIG=" + dir, "DOCKER_CONTENT_TRUST_SERVER=https://" + address}, "docker", "trust", "inspect", env.Image())
	if err != nil {
		t.Fatal(err)
	}
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
