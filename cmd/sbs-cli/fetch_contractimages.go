package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/config"
	"github.com/opensbs/sbs/client/contract"
)

func (p program) contractImages() *cli.Command {
	return command("contract-images", "print the images section of a contract for the image", `
Prints the images section that goes into the workload section of a contract, so
that the runtime starts the latest image only with its signature: images.dct for
Docker Content Trust, images.rhs for Red Hat simple signing.

    sbs-cli contract-images --env sbs-config.json`,
		p.withServer(p.printContractImages),
		&cli.StringFlag{Name: "tag", Usage: "take this `TAG` only, with simple signing (default: all tags)"})
}

func (p program) printContractImages(c *cli.Context, server *client.Client, settings *config.Config) error {
	image, err := server.ImageConfig(c.Context)
	if err != nil {
		return err
	}
	images, err := contract.ImagesSection(image, settings.Text("DOCKER_CONTENT_TRUST_PUSH_SERVER"), c.String("tag"))
	if err != nil {
		return fmt.Errorf("contract-images: %w", err)
	}
	return p.print(images.YAML())
}
