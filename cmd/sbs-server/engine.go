package main

// Which Docker Engine builds: the one that is given, or one of the server's own.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/opensbs/sbs/server/dockerd"
	"github.com/opensbs/sbs/server/engine"
	"github.com/opensbs/sbs/server/pipeline"
)

const (
	envDockerHost  = "DOCKER_HOST"          // the engine, as the docker command takes it
	envDockerCerts = "DOCKER_CERT_PATH"     // folder with certificates for it
	defaultSocket  = "/var/run/docker.sock" // where the docker command looks without it
	ownEngineRun   = "/run/sbs-docker"      // folder for what lives as long as an own engine
	ownGroup       = "sbs-builds"           // cgroup of its containers
)

// engines opens connections to the engine that builds.
type engines struct {
	host string // empty for the one the docker command would use
	own  *dockerd.Daemon
}

// startEngine takes the engine of DOCKER_HOST or the default socket. Where
// there is neither, but a dockerd program, as in the server's container image,
// it starts an engine whose data are on the data volume. On a machine without any the
// first build fails, and its status names the cause.
func startEngine(ctx context.Context, s settings, logger *slog.Logger) (*engines, error) {
	host, given := s.dockerHost, s.registries
	_, err := os.Stat(defaultSocket)
	program, missing := exec.LookPath("dockerd")
	if host != "" || !errors.Is(err, fs.ErrNotExist) || errors.Is(missing, exec.ErrNotFound) {
		if len(given.mirrors) > 0 {
			return nil, fmt.Errorf("%s: the Docker Engine is not this server's own: give its mirrors in its own configuration", envMirrors)
		}
		return &engines{host: host}, nil
	}
	if missing != nil {
		return nil, missing
	}
	data, err := filepath.Abs(filepath.Join(s.volume, "docker"))
	if err != nil {
		return nil, err
	}
	logger.Info("starting a Docker Engine", "program", program, "data", data)
	own, err := dockerd.Start(ctx, dockerd.Config{
		Program: program, Data: data, Run: ownEngineRun, Group: ownGroup, Logger: logger,
		Mirrors: given.mirrors, Insecure: given.insecure, CAFile: s.caFile,
	})
	if err != nil {
		return nil, err
	}
	return &engines{host: own.Host(), own: own}, nil
}

func (e *engines) connect(ctx context.Context) (pipeline.Builder, error) {
	connected, err := engine.Connect(ctx, e.host, engine.Automatic)
	if err != nil {
		return nil, err
	}
	return engine.Adapter{Engine: connected}, nil
}

// stop stops an engine of the server's own, and no other.
func (e *engines) stop() error {
	if e.own == nil {
		return nil
	}
	return e.own.Stop()
}
