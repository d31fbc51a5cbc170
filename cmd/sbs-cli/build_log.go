package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/config"
)

func (p program) log() *cli.Command {
	return command("log", "print the build log", `
Prints the log of the running or latest build, as far as it goes.

    sbs-cli log --env sbs-config.json --log build`,
		p.withServer(func(c *cli.Context, server *client.Client, _ *config.Config) error {
			if !c.Bool("json") {
				return server.Log(c.Context, c.String("log"), p.stdout)
			}
			var text strings.Builder
			if err := server.Log(c.Context, c.String("log"), &text); err != nil {
				return err
			}
			return p.printJSON(api.Log{Log: text.String()})
		}), jsonFlag(),
		&cli.StringFlag{Name: "log", Value: api.BuildLog, Usage: "`NAME` of the log"})
}
