//go:build stack

package container

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/harness/loopback"
)

const (
	image   = "sbs-server:container-test"
	compose = "../../test/harness/compose.sh"

	// timeout bounds each command. The slowest builds the image, and its base image if
	// that does not exist yet.
	timeout = 5 * time.Minute
)

// stack is a running stack in a folder.
type stack struct{ dir, port string }

// The server in the container image builds, keeps its state in a new container, and
// ignores layers that were changed while it was down.
func TestBuildInTheContainer(t *testing.T) {
	s := start(t)
	s.client(t, "init")
	s.client(t, "build", "--follow")
	var status struct {
		Status    string
		BuildName string `json:"build_name"`
		ImageTag  string `json:"image_tag"`
	}
	if err := json.Unmarshal([]byte(s.client(t, "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	if status.Status != "success" {
		t.Fatalf("the status is %q, want success", status.Status)
	}
	digest := s.client(t, "get-digest")
	if found := s.registryDigest(t, status.ImageTag); !strings.Contains(digest, found) {
		t.Errorf("skopeo finds %s in the registry, the server returned %s", found, digest)
	}
	s.client(t, "get-manifest", "--verify-manifest")
	s.client(t, "get-publickey")
	s.checkManifest(t, "manifest."+status.BuildName)

	before := s.state(t)
	s.compose(t, "stop", "server")
	planted := s.plant(t)
	// The next container gets only the volume of this one.
	s.compose(t, "up", "--detach", "--no-deps", "--force-recreate", "--renew-anon-volumes", "server")
	s.awaitServer(t)
	if after := s.state(t); !slices.Equal(before, after) {
		t.Errorf("with a new container:\n%q\nbefore it:\n%q", after, before)
	}
	s.client(t, "build", "--follow")
	for _, path := range planted {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the engine kept a layer that was changed while the server was down: %s (%v)", path, err)
		}
	}

	s.stop(t)
}

// start starts the stack as a user does.
func start(t *testing.T) *stack {
	t.Helper()
	s := &stack{dir: t.TempDir(), port: freePort(t)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.compose(t, "logs", "--no-color", "--tail", "50", "server"))
		}
		s.compose(t, "down", "--volumes")
	})
	s.run(t, "make", "--no-print-directory", "-C", "../..", "compose", "DIR="+s.dir, "IMAGE="+image)
	return s
}

// plant adds a file to every layer that the server's engine has stored on the volume, as
// an attacker with access to the disk could. It returns the paths of the files.
func (s *stack) plant(t *testing.T) []string {
	t.Helper()
	server := strings.TrimSpace(s.compose(t, "ps", "--all", "--quiet", "server"))
	volume := strings.TrimSpace(s.run(t, "docker", "inspect", "--format", `{{range .Mounts}}{{if eq .Destination "/data"}}{{.Source}}{{end}}{{end}}`, server))
	layers, err := filepath.Glob(filepath.Join(volume, "docker", "daemon-*", "overlay2", "*", "diff"))
	if err != nil || volume == "" || len(layers) == 0 {
		t.Fatalf("the engine has no layers on the volume %q (%v)", volume, err)
	}
	for i, layer := range layers {
		layers[i] = filepath.Join(layer, "planted")
		if err := os.WriteFile(layers[i], []byte("evil"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return layers
}

// state returns what must be the same in a new container: the status, the public keys of
// the image and of the manifest, and the digest.
func (s *stack) state(t *testing.T) []string {
	t.Helper()
	var state []string
	for _, command := range []string{"status", "get-signed-image-publickey", "get-publickey", "get-digest"} {
		state = append(state, s.client(t, command))
	}
	keys, err := filepath.Glob(filepath.Join(s.dir, "*-public.*"))
	if err != nil || len(keys) < 2 {
		t.Fatalf("the client saved the keys %v (%v), want the image's and the manifest's", keys, err)
	}
	for _, path := range keys {
		key, err := os.ReadFile(path)
		if err = errors.Join(err, os.Remove(path)); err != nil {
			t.Fatal(err)
		}
		state = append(state, filepath.Base(path), string(key))
	}
	return state
}

// registryDigest returns the digest of a tag in the registry, read with skopeo.
func (s *stack) registryDigest(t *testing.T, tag string) string {
	t.Helper()
	var config struct {
		Repository string `json:"DOCKER_REPO"`
		Registry   string `json:"DOCKER_PUSH_SERVER"`
		User       string `json:"DOCKER_RO_USER"`
		Password   string `json:"DOCKER_RO_PASSWORD"`
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "sbs-config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(s.compose(t, "exec", "-T", "parts", "skopeo", "inspect", "--tls-verify=false",
		"--creds", config.User+":"+config.Password, "--format", "{{.Digest}}",
		"docker://"+config.Registry+"/"+config.Repository+":"+tag))
}

// checkManifest verifies the manifest that the client saved, with tar and openssl.
func (s *stack) checkManifest(t *testing.T, manifest string) {
	t.Helper()
	script, err := filepath.Abs("../e2e/testdata/verify-manifest.sh")
	if err != nil {
		t.Fatal(err)
	}
	command := s.command(t.Context(), "sh", script, manifest)
	command.Dir = s.dir
	if text := output(t, command); !strings.Contains(text, "Verified OK") {
		t.Errorf("openssl prints %q", text)
	}
}

// stop stops the stack, and checks that nothing of it remains in the engine.
func (s *stack) stop(t *testing.T) {
	t.Helper()
	parts := strings.TrimSpace(s.compose(t, "ps", "--quiet", "parts"))
	project := strings.TrimSpace(s.run(t, "docker", "inspect", "--format", `{{index .Config.Labels "com.docker.compose.project"}}`, parts))
	lists := map[string][]string{
		"containers": {"ps", "--all", "--quiet"}, "volumes": {"volume", "ls", "--quiet"}, "networks": {"network", "ls", "--quiet"},
	}
	remaining := func(kind string) string {
		return s.run(t, "docker", append(slices.Clone(lists[kind]), "--filter", "label=com.docker.compose.project="+project)...)
	}
	for kind := range lists {
		if remaining(kind) == "" {
			t.Fatalf("there are no %s of %q before the stop: the check is meaningless", kind, project)
		}
	}
	s.compose(t, "down", "--volumes")
	for kind := range lists {
		if ids := remaining(kind); ids != "" {
			t.Errorf("%s were not removed: %s", kind, ids)
		}
	}
}

// awaitServer waits until the server responds.
func (s *stack) awaitServer(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		command := s.command(ctx, client(t), "status", "--env", "sbs-config.json")
		command.Dir = s.dir
		if command.Run() == nil {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("the server did not respond within %v", timeout)
		}
	}
}

// client runs sbs-cli in the stack's folder and returns its output.
func (s *stack) client(t *testing.T, arguments ...string) string {
	t.Helper()
	command := s.command(t.Context(), client(t), append(arguments, "--env", "sbs-config.json")...)
	command.Dir = s.dir
	return output(t, command)
}

// client returns the path of sbs-cli.
func client(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/sbs-cli")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *stack) compose(t *testing.T, arguments ...string) string {
	t.Helper()
	return s.run(t, compose, append([]string{s.dir}, arguments...)...)
}

// run runs a command and returns its output, even after the test's context has ended.
func (s *stack) run(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), timeout)
	defer cancel()
	return output(t, s.command(ctx, program, arguments...))
}

func (s *stack) command(ctx context.Context, program string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, program, arguments...)
	// A make that runs the tests passes no flags to the make in the test.
	command.Env = append(os.Environ(), "MAKEFLAGS=", "SBS_PORT="+s.port, "SBS_IMAGE="+image)
	command.WaitDelay = time.Second
	return command
}

func output(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	t.Log(command)
	var out, messages bytes.Buffer
	command.Stdout, command.Stderr = &out, &messages
	if err := command.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", command, err, out.String(), messages.String())
	}
	return out.String()
}

func freePort(t *testing.T) string {
	t.Helper()
	port, err := loopback.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
