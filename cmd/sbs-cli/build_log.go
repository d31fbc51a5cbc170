package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
)

func (p program) log() *cli.Command {
	return command("log", "print the build log", `
Prints the log of the running or latest build, as far as it goes.

    sbs-cli log --env sbs-config.json --log build`,
		func(c *cli.Context) error {
			server, _, err := p.connect(c)
			if err != nil {
				return err
			}
			defer server.Close()
			if !c.Bool("json") {
				return server.Log(c.Context, c.String("log"), p.stdout)
			}
			var text strings.Builder
			if err := server.Log(c.Context, c.String("log"), &text); err != nil {
				return err
			}
			return p.printJSON(api.Log{Log: text.String()})
		}, jsonFlag(),
		&cli.StringFlag{Name: "log", Value: api.BuildLog, Usage: "`NAME` of the log"})
}
