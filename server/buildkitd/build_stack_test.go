//go:build stack

package buildkitd

// A real daemon, and builds by BuildKit's own client.

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/tonistiigi/fsutil"
)

// configure returns a daemon of this test's own. The path of a socket must be
// short, and a test's folder often is not.
func configure(t *testing.T) Config {
	t.Helper()
	program, err := filepath.Abs("../../bin/buildkitd")
	if err != nil {
		t.Fatal(err)
	}
	run, err := os.MkdirTemp("", "sbsb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(run); err != nil {
			t.Error(err)
		}
	})
	return Config{
		Program: program, Data: filepath.Join(run, "data"), Run: filepath.Join(run, "run"), Group: filepath.Base(run),
		Bridge: "sbs-test", Subnet: netip.MustParsePrefix("10.87.248.0/24"), Plugins: DefaultPlugins, Logger: slog.New(testLog(t)),
	}
}

// testLog shows what the daemon prints with the test's own lines.
func testLog(t *testing.T) slog.Handler { return slog.NewTextHandler(t.Output(), nil) }

func start(t *testing.T, config Config) *Daemon {
	t.Helper()
	d, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return d
}

// build builds a Dockerfile whose context has this test binary as probe, and returns
// what its steps print.
func build(ctx context.Context, t *testing.T, host, dockerfile string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"/proc/self/exe": "probe", "/bin/busybox": "busybox"} {
		content, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), content, 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	files, err := fsutil.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	api, err := client.New(ctx, host)
	if err != nil {
		return "", err
	}
	printed := make(chan string, 1)
	status := make(chan *client.SolveStatus)
	go func() {
		var text strings.Builder
		for one := range status {
			for _, log := range one.Logs {
				text.Write(log.Data)
			}
		}
		printed <- text.String()
	}()
	_, err = api.Solve(ctx, nil, client.SolveOpt{
		Frontend: "dockerfile.v0", FrontendAttrs: map[string]string{"no-cache": ""}, LocalMounts: map[string]fsutil.FS{"context": files, "dockerfile": files},
	}, status)
	return <-printed, errors.Join(err, api.Close())
}

// inBusybox is a Dockerfile that runs a command of busybox's shell.
func inBusybox(command string) string {
	return "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"" + command + "\"]\n"
}

func TestABuildWorks(t *testing.T) {
	config := configure(t)
	d := start(t, config)
	printed, err := build(t.Context(), t, d.Host(), inBusybox("/bin/busybox echo it runs"))
	if err != nil || !strings.Contains(printed, "it runs") {
		t.Errorf("the build: %v, printed %q", err, printed)
	}
	for path, mode := range map[string]os.FileMode{config.socket(): 0o600, config.Run: 0o700, config.settingsFile(): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want mode %o", path, info, err, mode)
		}
	}
}

// A step sees no socket of the daemon.
func TestAStepSeesNoSocket(t *testing.T) {
	d := start(t, configure(t))
	printed, err := build(t.Context(), t, d.Host(), inBusybox("/bin/busybox find / -xdev -type s; /bin/busybox ls /dev"))
	if err != nil || !strings.Contains(printed, "null") || strings.Contains(printed, "sock") {
		t.Errorf("the build: %v, printed %q, want no socket", err, printed)
	}
}

// A Dockerfile cannot replace the frontend by an image, nor ask for rights.
func TestRefusedDockerfiles(t *testing.T) {
	d := start(t, configure(t))
	for name, test := range map[string]struct{ dockerfile, cause string }{
		"syntax":       {"# syntax=registry.invalid/frontend:1\n" + inBusybox("true"), "invalid frontend: gateway.v0"},
		"host network": {"FROM scratch\nCOPY busybox /b\nRUN --network=host [\"/b\", \"true\"]\n", "network.host is not allowed"},
		"insecure":     {"FROM scratch\nCOPY busybox /b\nRUN --security=insecure [\"/b\", \"true\"]\n", "security.insecure is not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := build(t.Context(), t, d.Host(), test.dockerfile); err == nil || !strings.Contains(err.Error(), test.cause) {
				t.Errorf("the build: %v, want one that is refused because of %s", err, test.cause)
			}
		})
	}
}
