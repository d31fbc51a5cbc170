package main

// Which Docker Engine builds: the one that is given, or one of the server's own.

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/opensbs/sbs/server/dockerd"
	"github.com/opensbs/sbs/server/engine"
	"github.com/opensbs/sbs/server/pipeline"
)

const (
	envDockerHost = "DOCKER_HOST"          // the engine, as the docker command takes it
	defaultSocket = "/var/run/docker.sock" // where the docker command looks without it
	ownEngineRun  = "/run/sbs-docker"      // folder for what lives as long as an own engine

	// For an own engine, with commas between them; another one has its own
	// configuration.
	envMirrors  = "SBS_REGISTRY_MIRRORS"    // URLs of mirrors of Docker Hub
	envInsecure = "SBS_INSECURE_REGISTRIES" // registries without TLS, as host[:port]
)

// engines opens connections to the engine that builds.
type engines struct {
	host string // empty for the one the docker command would use
	own  *dockerd.Daemon
}

// startEngine takes the engine of DOCKER_HOST or the default socket. Where
// there is neither, but a dockerd program, as in the server's container image,
// it starts an engine whose data lie on the data volume. A machine without any
// is found out by its first build, whose status says so.
func startEngine(ctx context.Context, getenv func(string) string, logger *slog.Logger) (*engines, error) {
	if host := getenv(envDockerHost); host != "" {
		return &engines{host: host}, nil
	}
	if _, err := os.Stat(defaultSocket); !errors.Is(err, fs.ErrNotExist) {
		return &engines{}, nil
	}
	program, err := exec.LookPath("dockerd")
	if errors.Is(err, exec.ErrNotFound) {
		return &engines{}, nil
	}
	if err != nil {
		return nil, err
	}
	data, err := filepath.Abs(filepath.Join(or(getenv(envVolume), "/data"), "docker"))
	if err != nil {
		return nil, err
	}
	logger.Info("starting a Docker Engine", "program", program, "data", data)
	own, err := dockerd.Start(ctx, dockerd.Config{
		Program: program, Data: data, Run: ownEngineRun, Logger: logger,
		Mirrors: list(getenv(envMirrors)), Insecure: list(getenv(envInsecure)), CAFile: getenv(envCABundle),
	})
	if err != nil {
		return nil, err
	}
	return &engines{host: own.Host(), own: own}, nil
}

// list splits a value at its commas.
func list(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
}

func (e *engines) connect(ctx context.Context) (pipeline.Engine, error) {
	connected, err := engine.Connect(ctx, e.host, engine.Automatic)
	if err != nil {
		return nil, err
	}
	return connected, nil
}

// stop stops an engine of the server's own, and no other.
func (e *engines) stop() error {
	if e.own == nil {
		return nil
	}
	return e.own.Stop()
}
