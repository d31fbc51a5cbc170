package dockerd

// The arguments and environment of the engine: where its files are, and which registries
// it treats differently.

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// Config has the program, the folders and the registries of an engine.
type Config struct {
	// Program is the path of dockerd.
	Program string
	// Data is the absolute path of the folder for images and layers. Start makes a
	// new folder in it for its engine and removes everything else in it.
	Data string
	// Run is the absolute path of a folder for the socket and what lives as long
	// as the engine; it belongs to this engine alone.
	Run string
	// Group is the name of a cgroup below the root, as "sbs-builds", which belongs
	// to the containers of this engine alone: whatever runs in it when an engine
	// starts was left by one that was killed, and is killed too.
	Group string
	// Mirrors are URLs of mirrors of Docker Hub, tried before it.
	Mirrors []string
	// Insecure are registries, as host[:port], that may be reached without TLS
	// or with a certificate that nobody vouches for. For a laboratory only.
	Insecure []string
	// CAFile is a PEM file of CAs that the engine trusts for registries, in
	// addition to those of /etc/ssl/certs; may be empty.
	CAFile string
	// Logger gets what the engine prints, line by line.
	Logger *slog.Logger
}

func (c Config) host() string { return "unix://" + filepath.Join(c.Run, "docker.sock") }

func (c Config) pidFile() string { return filepath.Join(c.Run, "docker.pid") }

// noConfiguration is read instead of /etc/docker/daemon.json, so that only
// these arguments configure the engine.
func (c Config) noConfiguration() string { return filepath.Join(c.Run, "daemon.json") }

func (c Config) arguments(data string) []string {
	arguments := []string{
		"--host", c.host(),
		"--data-root", data,
		"--exec-root", filepath.Join(c.Run, "exec"),
		"--pidfile", c.pidFile(),
		"--config-file", c.noConfiguration(),
		"--group", "root",
		"--exec-opt", "native.cgroupdriver=cgroupfs", // systemd's takes no group by its name
		"--cgroup-parent", "/" + c.Group,
		"--log-level", "warn",
	}
	for _, mirror := range c.Mirrors {
		arguments = append(arguments, "--registry-mirror", mirror)
	}
	for _, registry := range c.Insecure {
		arguments = append(arguments, "--insecure-registry", registry)
	}
	return arguments
}

// stepLog bounds the output of one step, in bytes: 64 MiB.
const stepLog = "67108864"

// passedOn are the environment values that the engine gets: the proxies to other
// programs and, for pulling and pushing, the proxy.
var passedOn = []string{"PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}

func (c Config) environment(getenv func(string) string) []string {
	var environment []string
	for _, name := range passedOn {
		if value := getenv(name); value != "" {
			environment = append(environment, name+"="+value)
		}
	}
	// A step may write as much as the build log takes, as fast as it can.
	environment = append(environment, "BUILDKIT_STEP_LOG_MAX_SIZE="+stepLog, "BUILDKIT_STEP_LOG_MAX_SPEED=-1")
	if c.CAFile != "" {
		environment = append(environment, "SSL_CERT_FILE="+c.CAFile)
	}
	return environment
}

func (c Config) makeFolders() error {
	for _, dir := range []string{c.Data, c.Run} {
		if !filepath.IsAbs(dir) {
			return fmt.Errorf("folder %q: the path is not absolute", dir)
		}
	}
	// A process that can open the socket is root on the machine.
	if err := os.MkdirAll(c.Run, 0o700); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o710); err != nil {
		return err
	}
	return os.WriteFile(c.noConfiguration(), []byte("{}\n"), 0o600)
}

// removePIDFile removes the PID file of an engine that was killed: the next one would
// not start while another process has that id.
func (c Config) removePIDFile() error {
	err := os.Remove(c.pidFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
