package main

// What builds the images: a Docker Engine, or BuildKit's daemon as a process of this
// server.

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/opensbs/sbs/server/buildkit"
	"github.com/opensbs/sbs/server/buildkitd"
	"github.com/opensbs/sbs/server/pipeline"
)

// Values of SBS_BUILDER.
const (
	builderDocker   = "docker"
	builderBuildKit = "buildkit"
)

// builderSettings choose what builds, and the network of the commands of its builds.
type builderSettings struct {
	name   string
	subnet netip.Prefix // of BuildKit's daemon
}

func readBuilderSettings(getenv func(string) string) (builderSettings, error) {
	s := builderSettings{name: or(getenv(envBuilder), builderDocker), subnet: buildkitd.DefaultSubnet}
	if s.name != builderDocker && s.name != builderBuildKit {
		return builderSettings{}, fmt.Errorf("%s: %q is not a builder: it takes %s or %s", envBuilder, s.name, builderDocker, builderBuildKit)
	}
	if s.name == builderBuildKit && getenv(envDockerHost) != "" {
		return builderSettings{}, fmt.Errorf("%s: %s uses no Docker Engine: take %s out", envBuilder, builderBuildKit, envDockerHost)
	}
	text := getenv(envBuilderSubnet)
	if text == "" {
		return s, nil
	}
	if s.name != builderBuildKit {
		return builderSettings{}, fmt.Errorf("%s: it is for %s=%s only", envBuilderSubnet, envBuilder, builderBuildKit)
	}
	var err error
	if s.subnet, err = netip.ParsePrefix(text); err != nil || s.subnet != s.subnet.Masked() {
		return builderSettings{}, fmt.Errorf("%s: %q is not an IPv4 network as %s", envBuilderSubnet, text, buildkitd.DefaultSubnet)
	}
	return s, nil
}

// network returns the name of the interface for the commands of builds. Servers on one
// machine have different subnets, and so different interfaces.
func (s builderSettings) network() string {
	if s.subnet == buildkitd.DefaultSubnet {
		return buildkitd.DefaultBridge
	}
	return "sbs-" + hex.EncodeToString(s.subnet.Addr().AsSlice())
}

// connectBuilder opens a connection for one build.
type connectBuilder func(ctx context.Context) (pipeline.Builder, error)

// startBuilder starts what builds, or finds it. stop ends what it started.
func startBuilder(ctx context.Context, s settings, logger *slog.Logger) (connect connectBuilder, stop func() error, err error) {
	if s.builder.name == builderBuildKit {
		return startBuildKit(ctx, s, logger)
	}
	docker, err := startEngine(ctx, s, logger)
	if err != nil {
		return nil, nil, err
	}
	return docker.connect, docker.stop, nil
}

func startBuildKit(ctx context.Context, s settings, logger *slog.Logger) (connectBuilder, func() error, error) {
	program, err := findBuildKit()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", envBuilder, err)
	}
	data, err := filepath.Abs(filepath.Join(s.volume, "buildkit"))
	if err != nil {
		return nil, nil, err
	}
	name := s.builder.network()
	logger.Info("starting a BuildKit daemon", "program", program, "data", data, "subnet", s.builder.subnet.String())
	own, err := buildkitd.Start(ctx, buildkitd.Config{
		Program: program, Data: data, Run: filepath.Join("/run", name), Group: name,
		Bridge: name, Subnet: s.builder.subnet, Plugins: buildkitd.DefaultPlugins,
		Mirrors: s.registries.mirrors, Insecure: s.registries.insecure, CAFile: s.caFile, Logger: logger,
	})
	if err != nil {
		return nil, nil, err
	}
	connect := func(ctx context.Context) (pipeline.Builder, error) {
		if err := own.CheckNetwork(ctx); err != nil {
			return nil, err
		}
		connected, err := buildkit.Connect(ctx, own.Host())
		if err != nil {
			return nil, err
		}
		return connected, nil
	}
	return connect, own.Stop, nil
}

// findBuildKit returns the path of buildkitd: next to this program, or in PATH.
func findBuildKit() (string, error) {
	own, err := os.Executable()
	if err != nil {
		return "", err
	}
	program := filepath.Join(filepath.Dir(own), "buildkitd")
	if _, err := os.Stat(program); !errors.Is(err, fs.ErrNotExist) {
		return program, err
	}
	program, err = exec.LookPath("buildkitd")
	if err != nil {
		return "", fmt.Errorf("find buildkitd next to this program or in PATH (make bin/buildkitd builds it): %w", err)
	}
	return program, nil
}
