package dockerd

// The life of the engine is that of any daemon (server/daemon).

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/docker/docker/client"

	"github.com/opensbs/sbs/server/daemon"
	"github.com/opensbs/sbs/server/process"
)

// Daemon is a Docker Engine that runs, or is about to be started again.
type Daemon struct {
	*daemon.Daemon
	config Config
}

// Start starts an engine without any data of an earlier one, and waits until it
// replies, or until ctx ends. The engine runs until Stop is called, also after ctx has
// ended. When it ends by itself it is started again, with its data.
//
// The error of an engine that ends while it starts shows how it ended; why is
// in the log.
func Start(ctx context.Context, config Config) (*Daemon, error) {
	if err := config.makeFolders(); err != nil {
		return nil, fmt.Errorf("start a Docker Engine: %w", err)
	}
	started, err := daemon.Start(ctx, daemon.Config{
		Name: "Docker Engine", Data: config.Data, Group: config.Group, Logger: config.Logger,
		Command: config.command, Ready: config.ready,
	})
	if err != nil {
		return nil, err
	}
	return &Daemon{started, config}, nil
}

// Host returns the address of the engine, in the form of DOCKER_HOST.
func (d *Daemon) Host() string { return d.config.host() }

func (c Config) command(_ context.Context, data string) (*exec.Cmd, error) {
	if err := c.removePIDFile(); err != nil {
		return nil, err
	}
	command := process.Command(c.Program, c.arguments(data)...)
	command.Env = c.environment(os.Getenv)
	return command, nil
}

func (c Config) ready(ctx context.Context) error {
	api, err := client.NewClientWithOpts(client.WithHost(c.host()))
	if err != nil {
		return err
	}
	_, err = api.Ping(ctx)
	return errors.Join(err, api.Close())
}
