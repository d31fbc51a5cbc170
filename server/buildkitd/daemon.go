package buildkitd

// The life of BuildKit's daemon, over the supervisor of any daemon.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/worker/label"

	"github.com/opensbs/sbs/server/daemon"
	"github.com/opensbs/sbs/server/process"
)

// Daemon is BuildKit's daemon, which runs or is about to be restarted.
type Daemon struct {
	*daemon.Daemon
	config Config
}

// Start starts a daemon without any data of an earlier one, and waits until it was
// checked, or until ctx ends. It runs until Stop is called, also after ctx has ended. When
// it ends by itself it is restarted, again without data.
//
// The error of a daemon that ends while it starts shows how it ended; why is in the log.
func Start(ctx context.Context, config Config) (*Daemon, error) {
	err := errors.Join(config.validate(), config.checkPrograms())
	if err == nil {
		err = config.makeFolders()
	}
	if err != nil {
		return nil, fmt.Errorf("start a BuildKit daemon: %w", err)
	}
	started, err := daemon.Start(ctx, daemon.Config{
		Name: "BuildKit daemon", Data: config.Data, NewData: true, Group: config.Group, Logger: config.Logger,
		Command: config.command, Ready: config.ready, Cleanup: config.cleanup,
	})
	if err != nil {
		return nil, err
	}
	return &Daemon{started, config}, nil
}

// Host returns the address of the daemon, for BuildKit's client. While the daemon is
// restarted nothing listens there.
func (d *Daemon) Host() string { return d.config.host() }

// CheckNetwork returns an error if commands of a build could reach this machine, because
// the rules of the firewall were removed while the daemon runs, by iptables -F for
// example. A new daemon writes them again.
func (d *Daemon) CheckNetwork(ctx context.Context) error {
	if err := errors.Join(d.config.checkBridge(), d.config.raised(ctx)); err != nil {
		return fmt.Errorf("the firewall between the commands of builds and this machine is not there any more: something has changed the rules of iptables; restart the server, which writes them again: %w", err)
	}
	return nil
}

// command makes the network and the configuration, and returns the command of a daemon
// whose state is in data.
func (c Config) command(ctx context.Context, data string) (*exec.Cmd, error) {
	servers, err := nameServers()
	if err != nil {
		return nil, err
	}
	interfaces, err := machineInterfaces()
	if err != nil {
		return nil, err
	}
	if err := c.checkSubnet(interfaces, servers); err != nil {
		return nil, err
	}
	if err := errors.Join(c.makeBridge(), c.raise(ctx, servers)); err != nil {
		return nil, err
	}
	if err := c.writeFiles(data); err != nil {
		return nil, err
	}
	command := process.Command(c.Program, c.arguments()...)
	command.Env = c.environment(os.Getenv)
	return command, nil
}

// ready checks the daemon and gives its socket the name at which clients connect.
func (c Config) ready(ctx context.Context) error {
	if err := checkWorker(ctx, "unix://"+c.starting()); err != nil {
		return err
	}
	if err := errors.Join(c.checkBridge(), c.raised(ctx)); err != nil {
		return errors.Join(err, daemon.ErrUnusable)
	}
	// A step gets the telemetry socket only if it is there when the step starts.
	return errors.Join(os.Remove(c.telemetry()), os.Chmod(c.starting(), 0o600), os.Rename(c.starting(), c.socket()))
}

// checkWorker requires one worker, with a network of its own for each step.
func checkWorker(ctx context.Context, address string) error {
	api, err := client.New(ctx, address)
	if err != nil {
		return err
	}
	workers, err := api.ListWorkers(ctx)
	if err := errors.Join(err, api.Close()); err != nil {
		return err
	}
	if len(workers) != 1 {
		return fmt.Errorf("it has %d workers, want one: %w", len(workers), daemon.ErrUnusable)
	}
	if network := workers[0].Labels[label.Network]; network != "cni" {
		return fmt.Errorf("commands of a build would run in its network %q, not in one of their own (cni): %w", network, daemon.ErrUnusable)
	}
	return nil
}

// cleanup removes what a daemon leaves on the machine, killed or not.
func (c Config) cleanup(ctx context.Context) error {
	return errors.Join(removeContainers(runcState, c.Group), c.removeFiles(), removeResults(pluginResults, c.Bridge), c.removeBridge(), c.lower(ctx))
}
