//go:build stack

package kit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// commandTimeout bounds the run of a program. sbs-cli may wait for a whole build.
const commandTimeout = 2 * time.Minute

// Output is what a program wrote, and its exit code.
type Output struct {
	Out, Err string
	Code     int
}

// Execute runs a program in a folder with additions to the environment.
func Execute(t testing.TB, dir string, environment []string, stdin string, program string, arguments ...string) Output {
	t.Helper()
	// A test's cleanup runs programs too, when the test's context has ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), commandTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir, command.Env = dir, append(os.Environ(), environment...)
	command.WaitDelay = time.Second
	command.Stdin = strings.NewReader(stdin)
	var out, messages bytes.Buffer
	command.Stdout, command.Stderr = &out, &messages
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(arguments, " "), errors.Join(err, ctx.Err()), messages.Bytes())
	}
	return Output{out.String(), messages.String(), command.ProcessState.ExitCode()}
}

// MustExecute is Execute, and fails the test unless the exit code is 0.
func MustExecute(t testing.TB, dir string, environment []string, stdin string, program string, arguments ...string) Output {
	t.Helper()
	output := Execute(t, dir, environment, stdin, program, arguments...)
	if output.Code != 0 {
		t.Fatalf("%s %s ended with exit code %d:\n%s%s", filepath.Base(program), strings.Join(arguments, " "), output.Code, output.Out, output.Err)
	}
	return output
}

// CLI runs an sbs-cli command in the developer's folder.
func (env *Environment) CLI(t testing.TB, command string) Output {
	t.Helper()
	return Execute(t, env.Dir(), nil, "", env.Programs.ClientBinary, strings.Fields(command)...)
}

// MustCLI is CLI, and fails the test unless the command succeeds.
func (env *Environment) MustCLI(t testing.TB, command string) Output {
	t.Helper()
	return MustExecute(t, env.Dir(), nil, "", env.Programs.ClientBinary, strings.Fields(command)...)
}

// DockerEnvironment writes a configuration for the docker command, with the
// read-only account of the registry and the CA of the notary server. It returns
// the environment variables that make docker use it.
func (env *Environment) DockerEnvironment(t testing.TB) []string {
	t.Helper()
	dir := t.TempDir()
	address := strings.TrimPrefix(env.Notary.URL(), "https://")
	registries := []string{env.Registry.Address()}
	if env.Gates.Notary != nil {
		address = env.Gates.Notary.Address()
	}
	if env.Gates.Registry != nil {
		registries = append(registries, env.Gates.Registry.Address())
	}
	reader := env.Registry.Reader()
	accounts := map[string]any{}
	for _, registry := range registries {
		accounts[registry] = map[string]string{"username": reader.User, "password": reader.Password}
	}
	config, err := json.Marshal(map[string]any{"auths": accounts})
	if err != nil {
		t.Fatal(err)
	}
	notary := filepath.Join(dir, "tls", address)
	if err := os.MkdirAll(notary, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{
		filepath.Join(notary, "ca.crt"):   env.Notary.CABundle(),
		filepath.Join(dir, "config.json"): config,
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"DOCKER_CONFIG=" + dir, "DOCKER_CONTENT_TRUST_SERVER=https://" + address}
}
