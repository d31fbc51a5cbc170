package main

import (
	"encoding/json"
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/config"
)

func (p program) status() *cli.Command {
	return command("status", "print how far the latest build got", `
Prints the server's status. With --wait it is printed when no build runs any
more, and the exit code says whether the latest one succeeded.

    sbs-cli status --env sbs-config.json
    sbs-cli status --env sbs-config.json --wait`,
		p.withServer(p.printStatus), jsonFlag(),
		&cli.BoolFlag{Name: "wait", Aliases: []string{"w"}, Usage: "wait until no build runs"})
}

func (p program) printStatus(c *cli.Context, server *client.Client, _ *config.Config) error {
	if !c.Bool("wait") {
		status, err := server.Status(c.Context)
		if err != nil {
			return err
		}
		return p.printJSON(status.Raw)
	}
	progress := progress{inform: p.inform}
	status, err := server.Events(c.Context, func(event api.Event) error {
		progress.report(event)
		return nil
	})
	if c.Context.Err() != nil {
		return advice.New(errors.New("status: no longer waiting; a build goes on if it ran"), "sbs-cli clean stops it")
	}
	if err != nil {
		return err
	}
	if err := p.printJSON(status); err != nil {
		return err
	}
	if api.Failed(status.Status) {
		return buildError(status)
	}
	return nil
}

// printEvent prints one event as one line of JSON.
func (p program) printEvent(event api.Event) error {
	line, err := json.Marshal(event)
	if err != nil {
		return err
	}
	return p.print(string(line) + "\n")
}
