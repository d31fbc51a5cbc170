package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/config"
)

func (p program) builds() *cli.Command {
	return command("builds", "list the builds of the server", `
Prints the builds that the server keeps, the latest first: when each began and how
long it took, how it ended, what it takes on the server, whether get-manifest still
has its manifest, its image and its name, as --build-name takes it. BUILDS_KEPT
and BUILDS_KEPT_SIZE limit how much is kept.

    sbs-cli builds --env sbs-config.json --limit 10`,
		p.listBuilds, jsonFlag(),
		&cli.IntFlag{Name: "limit", Value: api.DefaultBuilds, Usage: "the latest `NUMBER` of them"},
		&cli.StringFlag{Name: "before", Usage: "only those that began before the build with this `ID`"})
}

func (p program) listBuilds(c *cli.Context) error {
	if c.Int("limit") < 1 {
		return usageError{fmt.Errorf("--limit %d is no number of builds", c.Int("limit")), "give 1 or more"}
	}
	return p.withServer(p.printPage)(c)
}

func (p program) printPage(c *cli.Context, server *client.Client, _ *config.Config) error {
	listed, err := server.Builds(c.Context, c.String("before"), c.Int("limit"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(listed)
	}
	if err := p.printBuilds(listed.Builds); err != nil {
		return err
	}
	if listed.Next != "" {
		p.inform("next: sbs-cli builds --before %s shows older ones", client.OneLine(listed.Next))
	}
	return nil
}

func (p program) printBuilds(builds []api.Build) error {
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	row := func(cells ...string) {
		for i := range cells {
			cells[i] = client.OneLine(cells[i])
		}
		// The writer keeps the error of writing until it is flushed.
		_, _ = fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	row("STARTED", "TOOK", "STATUS", "SIZE", "MANIFEST", "IMAGE", "BUILD NAME")
	for _, build := range builds {
		row(started(build), took(build), shortStatus(build), mebibytes(build.Size), size(build), shortImage(build), or(build.BuildName, build.ID))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, build := range builds {
		if build.Problem != "" {
			p.inform("build %s: %s", client.OneLine(build.ID), client.OneLine(build.Problem))
		}
	}
	return nil
}

// started is the time in UTC, of which also the build's id is made.
func started(build api.Build) string {
	if build.Started.IsZero() {
		return "-"
	}
	return build.Started.UTC().Format("2006-01-02 15:04:05")
}

func took(build api.Build) string {
	if build.Finished.IsZero() {
		return "-"
	}
	return build.Finished.Sub(build.Started).Round(100 * time.Millisecond).String()
}

// shortStatus leaves the command of a failure to status and log.
func shortStatus(build api.Build) string {
	switch {
	case build.Problem != "":
		return "damaged"
	case api.Failed(build.Status):
		return "failed"
	}
	return or(build.Status, "begun")
}

func size(build api.Build) string {
	if !build.Manifest {
		return "-"
	}
	return mebibytes(build.ManifestSize)
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// shortImage is the digest as people compare it at a glance; --json has all.
func shortImage(build api.Build) string {
	_, digest, found := strings.Cut(build.Image, "@sha256:")
	if !found {
		return "-"
	}
	return "sha256:" + digest[:min(12, len(digest))]
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
