package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/buildinfo"
)

// app is the table of commands, in the order in which a newcomer needs them.
func (p program) app() *cli.App {
	return &cli.App{
		Name:                 "sbs-cli",
		Usage:                "build container images in an enclave, and prove what they were built from",
		Description:          appDescription,
		Version:              buildinfo.Version(version),
		Flags:                []cli.Flag{envFlag()},
		Writer:               p.stdout,
		ErrWriter:            p.stderr,
		EnableBashCompletion: true,
		HideHelpCommand:      false,
		Suggest:              true,
		OnUsageError:         wrongUsage,
		// Only run prints the error and maps it to an exit code.
		ExitErrHandler: func(*cli.Context, error) {},
		Action:         noCommand,
		Commands: []*cli.Command{
			p.createClientCert(),
			p.createServerCert(),
			p.deleteCertificates(),
			p.instanceEnv(),
			p.attest(),
			p.initialise(),
			p.update(),
			p.build(),
			p.status(),
			p.builds(),
			p.log(),
			p.clean(),
			p.getDigest(),
			p.getManifest(),
			p.getPublicKey(),
			p.getSignedImagePublicKey(),
			p.getSignatures(),
			p.contractImages(),
			p.contract(),
			p.getConfigJSON(),
			p.getTrust(),
			p.verify(),
			p.getStateImage(),
			p.postStateImage(),
			p.completion(),
			p.showVersion(),
		},
	}
}

const appDescription = `Every command but contract reads a configuration file: the one that --env names,
before or after the command, or sbs-config.json or env.json in the working
directory. Certificates are looked for in the working directory too.

Secrets need not be in the file: SBS_DOCKER_PASSWORD, SBS_DOCKER_RO_PASSWORD,
SBS_DOCKER_BASE_PASSWORD, SBS_GITHUB_TOKEN, SBS_GITHUB_KEY, SBS_SECRET and
SBS_COS_API_KEY_ID are taken from the environment where the file is silent.

Steps to a first image: create-client-cert, create-server-cert, instance-env,
then start the server with what that printed; then init, build --follow,
get-manifest --verify-manifest.

Exit codes: 0 done, 1 failed, 2 wrong usage. Where an image, a manifest or a server
is verified: 3 it did not pass, 4 it could not be verified.`

// command builds a command that reads the configuration, and takes flags but no
// arguments.
func command(name, usage, description string, action cli.ActionFunc, flags ...cli.Flag) *cli.Command {
	return commandWithout(name, usage, description, action, append([]cli.Flag{envFlag()}, flags...)...)
}

// commandWithout builds one that reads no configuration.
func commandWithout(name, usage, description string, action cli.ActionFunc, flags ...cli.Flag) *cli.Command {
	return commandOf(name, usage, description, func(c *cli.Context) error {
		if c.Args().Present() {
			return usageError{fmt.Errorf("%s takes no argument, but was given %q", name, c.Args().First()), "sbs-cli " + name + " --help shows its flags"}
		}
		return action(c)
	}, flags...)
}

// commandOf builds a command whose action deals with its arguments itself.
func commandOf(name, usage, description string, action cli.ActionFunc, flags ...cli.Flag) *cli.Command {
	return &cli.Command{
		Name:         name,
		Usage:        usage,
		Description:  strings.TrimSpace(description),
		Flags:        flags,
		OnUsageError: wrongUsage,
		Action: func(c *cli.Context) error {
			if flag := emptyFlag(c, flags); flag != "" {
				return usageError{fmt.Errorf("%s: --%s was given without a value", name, flag), "leave the flag out, or look whether a variable of the shell is empty"}
			}
			return action(c)
		},
	}
}

// emptyFlag returns the first of flags that was given an empty value, or "". Such a
// flag would have no effect, and its user expects something to be checked by it. An
// empty RTMR means any.
func emptyFlag(c *cli.Context, flags []cli.Flag) string {
	for _, flag := range flags {
		name := flag.Names()[0]
		if !c.IsSet(name) || name == "rtmr" {
			continue
		}
		switch flag.(type) {
		case *cli.StringFlag:
			if c.String(name) == "" {
				return name
			}
		case *cli.StringSliceFlag:
			if values := c.StringSlice(name); len(values) == 0 || slices.Contains(values, "") {
				return name
			}
		}
	}
	return ""
}

func envFlag() cli.Flag {
	return &cli.StringFlag{Name: "env", Usage: "configuration `FILE` (default: sbs-config.json, or env.json)", TakesFile: true}
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print JSON for programs"}
}

// usageError is a command line that can't be understood.
type usageError struct {
	cause error
	next  string
}

func (e usageError) Error() string { return e.cause.Error() }
func (e usageError) Unwrap() error { return e.cause }
func (e usageError) Next() string  { return e.next }

func wrongUsage(c *cli.Context, err error, isSubcommand bool) error {
	if isSubcommand {
		return usageError{fmt.Errorf("%s: %w", c.Command.Name, err), "sbs-cli " + c.Command.Name + " --help shows its flags"}
	}
	return usageError{err, "sbs-cli help shows the commands"}
}

// noCommand runs when the first argument is not the name of a command.
func noCommand(c *cli.Context) error {
	if !c.Args().Present() {
		return usageError{fmt.Errorf("no command was given"), "sbs-cli help shows the commands"}
	}
	name := c.Args().First()
	next := "sbs-cli help shows the commands"
	if near := cli.SuggestCommand(c.App.Commands, name); near != "" {
		next = near + " " + next
	}
	return usageError{fmt.Errorf("there is no command %q", name), next}
}
