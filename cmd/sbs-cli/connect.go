package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/certs"
	"github.com/opensbs/sbs/client/config"
)

// configuration loads the file that --env names, and warns of what in it was not
// understood. The file stays as it is.
func (p program) configuration(c *cli.Context) (*config.Config, error) {
	path, err := configurationFile(c)
	if err != nil {
		return nil, err
	}
	settings, err := config.Load(path, p.getenv)
	if err != nil {
		return nil, err
	}
	for _, repeated := range settings.Repeated() {
		p.inform("warning: %s: %s", path, repeated)
	}
	for _, key := range settings.Unknown() {
		p.inform("warning: %s in %s is unknown to sbs-cli and the server; is it misspelled?", key, path)
	}
	return settings, nil
}

// completed loads the file like configuration, and adds to it what it lacks. It is for
// the commands that create something from it; those that only read do not write it.
func (p program) completed(c *cli.Context) (*config.Config, error) {
	settings, err := p.configuration(c)
	if err != nil {
		return nil, err
	}
	added, err := settings.Complete(p.now())
	if err != nil {
		return nil, err
	}
	if len(added) > 0 {
		p.inform("added %s to %s; the old file is kept next to it", strings.Join(added, ", "), settings.Path())
	}
	return settings, nil
}

// envFile returns the value of --env, which is a flag before and after the command.
func envFile(c *cli.Context) (path string, given bool) {
	for _, context := range c.Lineage() {
		if context.IsSet("env") {
			return context.String("env"), true
		}
	}
	return "", false
}

// configurationFile returns the file that --env names, or the first default file
// that exists.
func configurationFile(c *cli.Context) (string, error) {
	if path, given := envFile(c); given {
		return path, nil
	}
	names := config.DefaultNames()
	for _, name := range names {
		_, err := os.Stat(name)
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("read configuration: %w", err)
		}
	}
	return "", advice.New(
		fmt.Errorf("read configuration: there is no %s here", strings.Join(names, " and no ")),
		"name the file with --env FILE")
}

// serverAction is the action of a command that talks to a server.
type serverAction func(c *cli.Context, server *client.Client, settings *config.Config) error

// withServer returns the action of a command that connects, runs action and closes
// the connection.
func (p program) withServer(action serverAction) cli.ActionFunc {
	return func(c *cli.Context) error {
		server, settings, err := p.connect(c)
		if err != nil {
			return err
		}
		defer server.Close()
		return action(c, server, settings)
	}
}

// withCompleted is withServer for the commands that send the configuration.
func (p program) withCompleted(action serverAction) cli.ActionFunc {
	return func(c *cli.Context) error {
		server, settings, err := p.connectWith(p.completed(c))
		if err != nil {
			return err
		}
		defer server.Close()
		return action(c, server, settings)
	}
}

// connect loads the configuration and the client certificate, and returns a
// client, which the caller closes. Nothing is sent yet.
func (p program) connect(c *cli.Context) (*client.Client, *config.Config, error) {
	return p.connectWith(p.configuration(c))
}

func (p program) connectWith(settings *config.Config, err error) (*client.Client, *config.Config, error) {
	if err != nil {
		return nil, nil, err
	}
	hostname, port, err := settings.Server()
	if err != nil {
		return nil, nil, err
	}
	files, err := settings.Certificates()
	if err != nil {
		return nil, nil, err
	}
	identity, err := certs.LoadClient(files, p.now())
	if err != nil {
		return nil, nil, err
	}
	return client.New(hostname, port, identity), settings, nil
}
