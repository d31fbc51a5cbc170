package main

import (
	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/client/instanceenv"
)

func (p program) instanceEnv() *cli.Command {
	return command("instance-env", "print the environment that the server gets its certificates from", `
Prints CLIENT_CRT, CLIENT_CA, SERVER_CRT and SERVER_KEY as lines for the env
section of the contract; for RUNTIME_TYPE classic as one line of -e options. The
server's key is encrypted to the server image's OpenPGP public key: only the
image can read it.

    sbs-cli instance-env --env sbs-config.json --server-public-key image.asc`,
		p.printInstanceEnv, jsonFlag(),
		&cli.StringFlag{Name: "server-public-key", Usage: "OpenPGP public key `FILE` of the server image (default: SERVER_PUBLIC_KEY_FILE)", TakesFile: true})
}

func (p program) printInstanceEnv(c *cli.Context) error {
	settings, err := p.configuration(c)
	if err != nil {
		return err
	}
	files, err := settings.Certificates()
	if err != nil {
		return err
	}
	hostname, _, err := settings.Server()
	if err != nil {
		return err
	}
	keyFile := c.String("server-public-key")
	if keyFile == "" {
		if keyFile, err = settings.ServerPublicKey(); err != nil {
			return err
		}
	}
	image, err := instanceenv.ReadPublicKey(keyFile, p.now())
	if err != nil {
		return err
	}
	values, err := instanceenv.Make(files, hostname, image, p.now())
	if err != nil {
		return err
	}
	p.inform("the server's key is encrypted to the server image's key %s", image.Fingerprint())
	switch {
	case c.Bool("json"):
		return p.printJSON(values)
	case settings.Text("RUNTIME_TYPE") == "classic":
		return p.print(values.Arguments())
	}
	return p.print(values.YAML())
}
