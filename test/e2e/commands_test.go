//go:build stack

// Running other programs: our own client, and the judges that know nothing of
// us.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// said is what a program said, and how it ended.
type said struct {
	out, err string
	code     int
}

// run runs a program in a folder with additions to the environment.
func run(t testing.TB, dir string, environment []string, stdin string, program string, arguments ...string) said {
	t.Helper()
	// A test's cleaning up runs programs too, when the test's context has ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
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
	return said{out.String(), messages.String(), command.ProcessState.ExitCode()}
}

// must is run, and the program must end with exit code 0.
func must(t testing.TB, dir string, environment []string, stdin string, program string, arguments ...string) said {
	t.Helper()
	s := run(t, dir, environment, stdin, program, arguments...)
	if s.code != 0 {
		t.Fatalf("%s %s ended with exit code %d:\n%s%s", filepath.Base(program), strings.Join(arguments, " "), s.code, s.out, s.err)
	}
	return s
}

// guide types a command of the guide in the user's folder.
func (env *environment) guide(t testing.TB, command string) said {
	t.Helper()
	s := run(t, env.Dir(), nil, "", env.programs.ClientBinary, strings.Fields(command)...)
	if s.code != 0 {
		t.Fatalf("sbs-cli %s ended with exit code %d:\n%s%s", command, s.code, s.out, s.err)
	}
	return s
}

// reply is what the server answered to a request of ours.
type reply struct {
	code int
	kind string // media type
	text string
}

// request asks the server, as its configured client, in words of the protocol.
func (env *environment) request(t testing.TB, method, path, body string) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, env.Server.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := env.Server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	return reply{response.StatusCode, kind, string(text)}
}

// object is the reply's JSON object; nil when it is none.
func (r reply) object() map[string]any {
	var object map[string]any
	if json.Unmarshal([]byte(r.text), &object) != nil {
		return nil
	}
	return object
}

// dockerEnvironment gives the docker command a configuration of its own, with
// the account that may read the registry and the CA of the notary server, and
// returns the environment that makes docker use it.
func (env *environment) dockerEnvironment(t testing.TB) []string {
	t.Helper()
	dir := t.TempDir()
	notary := filepath.Join(dir, "tls", env.notary.Address())
	if err := os.MkdirAll(notary, 0o700); err != nil {
		t.Fatal(err)
	}
	reader := env.Registry.Reader()
	account := map[string]string{"username": reader.User, "password": reader.Password}
	config, err := json.Marshal(map[string]any{"auths": map[string]any{
		env.registry.Address(): account, env.Registry.Address(): account,
	}})
	if err != nil {
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
	return []string{"DOCKER_CONFIG=" + dir, "DOCKER_CONTENT_TRUST_SERVER=https://" + env.notary.Address()}
}
