package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/atomicfile"
	"github.com/opensbs/sbs/client/config"
	"github.com/opensbs/sbs/client/verify"
)

func (p program) getTrust() *cli.Command {
	return command("get-trust", "get all public keys that an auditor needs, as one file", `
Writes the trust file of the repository to "<repository>-trust.json": the public
keys of the image's signatures, of its attestations and of the manifest, the
notary server, the repository of the source and the builder. It holds no secret.
An auditor keeps it for sbs-cli verify --trust, after comparing the ids of its keys
with those that somebody else got.

    sbs-cli get-trust --env sbs-config.json`,
		p.withServer(p.saveTrust), jsonFlag(),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`", TakesFile: true})
}

func (p program) saveTrust(c *cli.Context, server *client.Client, settings *config.Config) error {
	trust, image, err := serversTrust(c, server, settings)
	if err != nil {
		return fmt.Errorf("get-trust: %w", err)
	}
	text, err := trust.Encode()
	if err != nil {
		return fmt.Errorf("get-trust: %w", err)
	}
	path := c.String("output")
	if path == "" {
		path = repositoryFile(image) + "-trust.json"
	}
	if err := atomicfile.Write(path, text, 0o644); err != nil {
		return fmt.Errorf("get-trust: %w", err)
	}
	p.inform("wrote %s; compare its keys with somebody who got them over another channel:", path)
	for _, key := range trust.Signatures {
		p.inform("    %-15s %s", key.Method, key.ID)
	}
	if trust.Attestations != nil {
		p.inform("    %-15s %s", "attestations", trust.Attestations.ID)
	}
	p.inform("    %-15s %s", "manifest", trust.Manifest.ID)
	if !c.Bool("json") {
		return nil
	}
	return p.printJSON(trust)
}

// serversTrust makes the trust file from the replies of the server.
func serversTrust(c *cli.Context, server *client.Client, settings *config.Config) (verify.Trust, api.ImageConfig, error) {
	parameters, err := settings.Described()
	if err != nil {
		return verify.Trust{}, api.ImageConfig{}, err
	}
	inputs := verify.TrustInputs{Parameters: parameters}
	if inputs.Image, err = server.ImageConfig(c.Context); err != nil {
		return verify.Trust{}, api.ImageConfig{}, err
	}
	if inputs.Manifest, err = server.PublicKey(c.Context, ""); err != nil {
		return verify.Trust{}, api.ImageConfig{}, err
	}
	status, err := server.Status(c.Context)
	if err != nil {
		return verify.Trust{}, api.ImageConfig{}, err
	}
	inputs.Enclave = status.Enclave
	trust, err := inputs.Trust()
	return trust, inputs.Image, err
}
