package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/config"
)

// steps are the statuses of a build in their order.
func steps() []string {
	return []string{api.StatusCleanedUp, api.StatusGitHubCloned, api.StatusImageBuilt, api.StatusImagePushed, api.StatusSuccess}
}

func (p program) build() *cli.Command {
	return command("build", "start a build", `
Starts a build with the parameters that the server has. With --follow the build
log is printed as it grows, with a line for each finished step on stderr, until
the end; the exit code then says whether the build succeeded. Interrupting it
(Ctrl-C) stops the following, not the build. With --json the events are printed
as JSON, one a line.

    sbs-cli build --env sbs-config.json --follow`,
		p.withServer(p.startBuild), jsonFlag(),
		&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "print the log until the build has ended"})
}

func (p program) startBuild(c *cli.Context, server *client.Client, _ *config.Config) error {
	answer, err := server.Build(c.Context)
	if err != nil {
		return err
	}
	if !c.Bool("follow") {
		p.inform("next: sbs-cli status --wait")
		return p.printJSON(answer)
	}
	p.inform("%s", answer.Status)
	show := p.showLog
	if c.Bool("json") {
		show = p.printEvent
	}
	progress := progress{inform: p.inform}
	status, err := server.Events(c.Context, func(event api.Event) error {
		progress.report(event)
		return show(event)
	})
	if err != nil {
		return followError(c, err)
	}
	if err := buildError(status); err != nil {
		return err
	}
	p.inform("built %s as %s", status.BuildName, status.ImageTag)
	p.inform("next: sbs-cli get-digest, sbs-cli get-manifest --verify-manifest")
	return nil
}

func (p program) showLog(event api.Event) error {
	if event.Status != nil {
		return nil
	}
	return p.print(event.Log + "\n")
}

// progress reports to people which steps of a build are done.
type progress struct {
	inform func(string, ...any)
	last   string
}

func (p *progress) report(event api.Event) {
	if event.Status == nil || event.Status.Status == p.last {
		return
	}
	p.last = event.Status.Status
	if i := slices.Index(steps(), p.last); i >= 0 {
		p.inform("[%d/%d] %s", i+1, len(steps()), p.last)
	}
}

// followError returns the error of following a build that did not end.
func followError(c *cli.Context, err error) error {
	if c.Context.Err() != nil {
		return advice.New(errors.New("build: no longer followed, but the build goes on"), "sbs-cli status --wait waits for it, sbs-cli clean stops it")
	}
	return err
}

// buildError returns why a build did not succeed; nil when it did.
func buildError(status api.Status) error {
	switch {
	case status.Status == api.StatusSuccess:
		return nil
	case status.Status == api.StatusRestarted:
		return advice.New(errors.New("build: it was stopped by clean"), "start it again with sbs-cli build --follow")
	}
	failed := fmt.Errorf("build: %s", client.OneLine(status.Status))
	if status.Cause != "" {
		failed = fmt.Errorf("%w (%s)", failed, client.OneLine(status.Cause))
	}
	return advice.New(failed, "sbs-cli log --log build shows what led to it; correct the source, or the configuration followed by sbs-cli update, and build again")
}

func (p program) clean() *cli.Command {
	return command("clean", "stop the build that runs and remove what it left", `
Stops the build that runs, if any, and makes the server ready for another. The
status is "restarted cicd" then. Keys and earlier builds stay.

    sbs-cli clean --env sbs-config.json`,
		p.withServer(func(c *cli.Context, server *client.Client, _ *config.Config) error {
			answer, err := server.Clean(c.Context)
			if err != nil {
				return err
			}
			return p.printJSON(answer)
		}), jsonFlag())
}
