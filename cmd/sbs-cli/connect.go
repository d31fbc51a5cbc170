package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/certs"
	"github.com/opensbs/sbs/client/config"
)

// configuration loads the file that --env names, and tells the user what in it was
// not understood. The file stays as it is.
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
		p.say("warning: %s: %s", path, repeated)
	}
	for _, key := range settings.Unknown() {
		p.say("warning: %s in %s means nothing to sbs-cli or the server; is it misspelled?", key, path)
	}
	return settings, nil
}

// completed loads the file like configuration, and adds to it what it lacks: for
// the commands that make something of it. Those that only read, write nothing.
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
		p.say("added %s to %s; the old file is kept beside it", strings.Join(added, ", "), settings.Path())
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

// connect loads the configuration and the client certificate and returns a
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

// imageConfig asks the server for what the latest image's users need.
func (p program) imageConfig(c *cli.Context) (api.ImageConfig, *config.Config, error) {
	server, settings, err := p.connect(c)
	if err != nil {
		return api.ImageConfig{}, nil, err
	}
	defer server.Close()
	image, err := server.ImageConfig(c.Context)
	return image, settings, err
}
