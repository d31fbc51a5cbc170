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

	// patience bounds each command; the slowest makes the image, and its base
	// too where there is none yet.
	patience = 5 * time.Minute
)

// stack is a running stack in a folder.
type stack struct{ dir, port string }

func TestBuildInTheContainer(t *testing.T) {
	s := up(t)
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
	if found := s.pushed(t, status.ImageTag); !strings.Contains(digest, found) {
		t.Errorf("skopeo finds %s in the registry, the server says %s", found, digest)
	}
	s.client(t, "get-manifest", "--verify-manifest")
	s.client(t, "get-publickey")
	s.verified(t, "manifest."+status.BuildName)

	before := s.kept(t)
	s.compose(t, "stop", "server")
	planted := s.plant(t)
	// The volume is all that the next container gets from this one.
	s.compose(t, "up", "--detach", "--no-deps", "--force-recreate", "--renew-anon-volumes", "server")
	s.awaitServer(t)
	if after := s.kept(t); !slices.Equal(before, after) {
		t.Errorf("with a new container:\n%q\nbefore it:\n%q", after, before)
	}
	s.client(t, "build", "--follow")
	for _, path := range planted {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the engine kept a layer that was changed while the server was down: %s (%v)", path, err)
		}
	}

	s.down(t)
}

// up brings the stack up as a user does.
func up(t *testing.T) *stack {
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

// plant does what somebody with the disk could: it puts a file into every layer that
// the server's own engine has stored on the volume. It returns the files' paths.
func (s *stack) plant(t *testing.T) []string {
	t.Helper()
	server := strings.TrimSpace(s.compose(t, "ps", "--all", "--quiet", "server"))
	volume := strings.TrimSpace(s.run(t, "docker", "inspect", "--format", `{{range .Mounts}}{{if eq .Destination "/data"}}{{.Source}}{{end}}{{end}}`, server))
	layers, err := filepath.Glob(filepath.Join(volume, "docker", "engine-*", "overlay2", "*", "diff"))
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

// kept is what the server must know in a new container: its status, the key that
// signs images, the key of the manifest, and the digest.
func (s *stack) kept(t *testing.T) []string {
	t.Helper()
	var answers []string
	for _, command := range []string{"status", "get-signed-image-publickey", "get-publickey", "get-digest"} {
		answers = append(answers, s.client(t, command))
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
		answers = append(answers, filepath.Base(path), string(key))
	}
	return answers
}

// pushed asks the registry for the digest of a tag, by a program that knows
// nothing of ours.
func (s *stack) pushed(t *testing.T, tag string) string {
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

// verified lets tar and openssl judge the manifest that the client saved.
func (s *stack) verified(t *testing.T, manifest string) {
	t.Helper()
	script, err := filepath.Abs("../e2e/testdata/verify-manifest.sh")
	if err != nil {
		t.Fatal(err)
	}
	command := s.command(t.Context(), "sh", script, manifest)
	command.Dir = s.dir
	if said := output(t, command); !strings.Contains(said, "Verified OK") {
		t.Errorf("openssl says %q", said)
	}
}

// down ends the stack, and nothing of it may be left in the engine.
func (s *stack) down(t *testing.T) {
	t.Helper()
	parts := strings.TrimSpace(s.compose(t, "ps", "--quiet", "parts"))
	project := strings.TrimSpace(s.run(t, "docker", "inspect", "--format", `{{index .Config.Labels "com.docker.compose.project"}}`, parts))
	lists := map[string][]string{
		"containers": {"ps", "--all", "--quiet"}, "volumes": {"volume", "ls", "--quiet"}, "networks": {"network", "ls", "--quiet"},
	}
	left := func(kind string) string {
		return s.run(t, "docker", append(slices.Clone(lists[kind]), "--filter", "label=com.docker.compose.project="+project)...)
	}
	for kind := range lists {
		if left(kind) == "" {
			t.Fatalf("no %s of %q run: nothing can be said of what is left", kind, project)
		}
	}
	s.compose(t, "down", "--volumes")
	for kind := range lists {
		if ids := left(kind); ids != "" {
			t.Errorf("%s are left: %s", kind, ids)
		}
	}
}

func (s *stack) awaitServer(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
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
			t.Fatal("waited in vain until the server answers")
		}
	}
}

// client runs sbs-cli in the stack's folder.
func (s *stack) client(t *testing.T, arguments ...string) string {
	t.Helper()
	command := s.command(t.Context(), client(t), append(arguments, "--env", "sbs-config.json")...)
	command.Dir = s.dir
	return output(t, command)
}

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

// run runs a command, also when the test's context has ended.
func (s *stack) run(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	return output(t, s.command(ctx, program, arguments...))
}

func (s *stack) command(ctx context.Context, program string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, program, arguments...)
	// A make that runs the tests says nothing to the make inside.
	command.Env = append(os.Environ(), "MAKEFLAGS=", "SBS_PORT="+s.port, "SBS_IMAGE="+image)
	command.WaitDelay = time.Second
	return command
}

func output(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	t.Log(command)
	var said, complained bytes.Buffer
	command.Stdout, command.Stderr = &said, &complained
	if err := command.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", command, err, said.String(), complained.String())
	}
	return said.String()
}

func freePort(t *testing.T) string {
	t.Helper()
	port, err := loopback.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
