package dockerd

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestArguments(t *testing.T) {
	config := Config{
		Run: "/run/own", Group: "own-builds",
		Mirrors:  []string{"https://one.example", "https://two.example"},
		Insecure: []string{"lab.example:5000"},
	}
	got := strings.Join(config.arguments("/data/docker"), " ")
	for _, want := range []string{
		"--host unix:///run/own/docker.sock",
		"--data-root /data/docker",
		"--exec-root /run/own/exec",
		"--pidfile /run/own/docker.pid",
		"--config-file /run/own/daemon.json",
		"--cgroup-parent /own-builds",
		"--registry-mirror https://one.example --registry-mirror https://two.example",
		"--insecure-registry lab.example:5000",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the arguments %q lack %q", got, want)
		}
	}
	if count := strings.Count(got, "--host"); count != 1 {
		t.Errorf("the engine listens at %d places, want 1", count)
	}
}

func TestEnvironmentHasOnlyWhatIsNamed(t *testing.T) {
	set := map[string]string{
		"PATH": "/usr/bin", "HTTPS_PROXY": "http://proxy.example", "no_proxy": "localhost",
		"IMAGE_SECRET": "secret", "IMAGE_PRIVATE_KEY": "secret", "SERVER_KEY": "secret", "DOCKER_HOST": "tcp://elsewhere",
		"SSL_CERT_FILE": "/other.pem",
	}
	getenv := func(name string) string { return set[name] }
	got := Config{CAFile: "/ca.pem"}.environment(getenv)
	want := []string{"BUILDKIT_STEP_LOG_MAX_SIZE=67108864", "BUILDKIT_STEP_LOG_MAX_SPEED=-1", "HTTPS_PROXY=http://proxy.example", "PATH=/usr/bin", "SSL_CERT_FILE=/ca.pem", "no_proxy=localhost"}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the environment is %q, want %q", got, want)
	}
}

func TestMakeFolders(t *testing.T) {
	dir := t.TempDir()
	config := Config{Data: filepath.Join(dir, "data"), Run: filepath.Join(dir, "run")}
	if err := config.makeFolders(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(config.Run); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the socket: %v, %v, want one for its owner alone", info, err)
	}
	config.Data = "data"
	if err := config.makeFolders(); err == nil {
		t.Error("a relative path was accepted")
	}
}

func TestForget(t *testing.T) {
	config := Config{Run: t.TempDir()}
	if err := config.removePIDFile(); err != nil {
		t.Errorf("nothing to forget: %v", err)
	}
	if err := os.WriteFile(config.pidFile(), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := config.removePIDFile(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(config.pidFile()); !os.IsNotExist(err) {
		t.Errorf("the id of the process is still there: %v", err)
	}
}
