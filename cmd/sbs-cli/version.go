package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/buildinfo"
)

func (p program) showVersion() *cli.Command {
	return commandWithout("version", "print the version of this program", `
Prints the version of sbs-cli, as --version does.

    sbs-cli version`,
		func(*cli.Context) error {
			return p.print(fmt.Sprintf("sbs-cli version %s\n", buildinfo.Version(version)))
		})
}
