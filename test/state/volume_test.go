//go:build stack

package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

// startOnSmallVolume starts a stack whose data volume is a file system of size MiB.
// The server then requires an eighth of it free to start a build.
func startOnSmallVolume(t *testing.T, size int) *environment {
	t.Helper()
	// Cleanups run in reverse: the stack is closed, the volume unmounted, and then
	// the temporary folders are removed.
	t.TempDir()
	var env *environment
	mounted := false
	t.Cleanup(func() {
		if mounted {
			if err := asRoot("umount", env.Server.Volume()); err != nil {
				t.Error(err)
			}
		}
	})
	env = start(t)
	if err := env.Server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	options := fmt.Sprintf("size=%dm,mode=700,uid=%d,gid=%d", size, os.Getuid(), os.Getgid())
	if err := asRoot("mount", "-t", "tmpfs", "-o", options, "sbs-test", env.Server.Volume()); err != nil {
		t.Fatal(err)
	}
	mounted = true
	if err := env.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	kit.Configure(t, env.Dir(), map[string]any{"IMAGE_TAG_PREFIX": "v1"})
	env.configureRandom(t, "small", 1000)
	env.cli(t, "init --env sbs-config.json")
	return env
}

// asRoot runs a command that changes mounts.
func asRoot(command ...string) error {
	if os.Getuid() != 0 {
		command = append([]string{"sudo", "-n"}, command...)
	}
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, out)
	}
	return nil
}

// remount remounts the volume with the option ro or rw.
func (env *environment) remount(t *testing.T, option string) {
	t.Helper()
	if err := asRoot("mount", "-o", "remount,"+option, env.Server.Volume()); err != nil {
		t.Fatal(err)
	}
}

// fill writes a file that leaves free MiB on the volume. empty removes it.
func (env *environment) fill(t *testing.T, free int64) (empty func()) {
	t.Helper()
	path := filepath.Join(env.Server.Volume(), "ballast")
	ballast, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer ballast.Close()
	_, err = io.CopyN(ballast, zeros{}, env.free(t)-free<<20)
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// free returns the number of free bytes on the volume.
func (env *environment) free(t *testing.T) int64 {
	t.Helper()
	var stat syscall.Statfs_t
	if err := syscall.Statfs(env.Server.Volume(), &stat); err != nil {
		t.Fatal(err)
	}
	return int64(stat.Bavail) * stat.Bsize
}

// configureRandom creates a repository with size bytes that can't be compressed,
// and changes the configuration to it.
func (env *environment) configureRandom(t *testing.T, name string, size int) {
	t.Helper()
	content := make([]byte, size)
	random := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16), byte(size >> 24)})
	_, _ = random.Read(content) // never fails
	path := filepath.Join(t.TempDir(), "random")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := gitserver.CreateRepository(t.Context(), env.GitRoot, name+".git", map[string]gitserver.File{
		"Dockerfile":    {Content: "FROM scratch\nCOPY Dockerfile /\n"},
		".dockerignore": {Content: "random\n"},
		"random":        {From: path},
	})
	if err != nil {
		t.Fatal(err)
	}
	kit.Configure(t, env.Dir(), map[string]any{"GITHUB_URL": env.Git.SSHURL(name + ".git")})
}

// status returns the server's status.
func (env *environment) status(t testing.TB) (status api.Status) {
	t.Helper()
	if err := json.Unmarshal([]byte(env.cli(t, "status --env sbs-config.json")), &status); err != nil {
		t.Fatal(err)
	}
	return status
}

// history returns the list of builds, newest first.
func (env *environment) history(t testing.TB) []api.Build {
	t.Helper()
	var listed api.Builds
	if err := json.Unmarshal([]byte(env.cli(t, "builds --json --limit 10000 --env sbs-config.json")), &listed); err != nil || listed.Next != "" {
		t.Fatalf("%+v, %v", listed, err)
	}
	return listed.Builds
}

// buildFails starts a build, which must fail, and returns its status.
func (env *environment) buildFails(t *testing.T) api.Status {
	t.Helper()
	env.cli(t, "update --env sbs-config.json")
	env.cli(t, "build --env sbs-config.json")
	env.refusal(t, "status --env sbs-config.json --wait")
	return env.status(t)
}

// checkServed fails the test unless the server serves a valid manifest of a build.
func (env *environment) checkServed(t *testing.T, build string) {
	t.Helper()
	env.cli(t, "get-manifest --verify-manifest --env sbs-config.json --build-name "+build)
}

// path returns the path of a file on the data volume.
func (env *environment) path(names ...string) string {
	return filepath.Join(append([]string{env.Server.Volume()}, names...)...)
}

// overwrite replaces the content of a file. restore checks that nobody else has
// changed the file, and writes the old content back.
func overwrite(t *testing.T, path string, content []byte) (restore func()) {
	t.Helper()
	saved, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if left, err := os.ReadFile(path); err != nil || string(left) != string(content) {
			t.Errorf("the damaged file %s was changed: %d bytes, %v", path, len(left), err)
		}
		if err := os.WriteFile(path, saved, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// damagedCopies returns the content of a file after different faults of a disk.
func damagedCopies(t *testing.T, path string) map[string][]byte {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil || len(whole) < 2 {
		t.Fatalf("read %s: %d bytes, %v", path, len(whole), err)
	}
	flipped := append([]byte{}, whole...)
	flipped[len(flipped)/2] ^= 1
	return map[string][]byte{"empty": {}, "cut short": whole[:len(whole)/2], "one bit flipped": flipped}
}
