package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/atomicfile"
	"github.com/opensbs/sbs/client/config"
)

func (p program) getDigest() *cli.Command {
	return command("get-digest", "print the digest of the image that was built", `
Prints the image of the latest successful build with its digest: what a compose
file is to name.

    sbs-cli get-digest --env sbs-config.json`,
		p.withServer(func(c *cli.Context, server *client.Client, _ *config.Config) error {
			digest, err := server.ImageDigest(c.Context)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return p.printJSON(map[string]string{"image": digest})
			}
			return p.print("Digest value of the built image: " + digest + "\n")
		}), jsonFlag())
}

func (p program) getConfigJSON() *cli.Command {
	return command("get-config-json", "get what a deployment of the image needs", `
Writes the image's repository, the user and password that may pull it, and the
public key of its signature to "<repository>-config.json" with mode 0600: it
holds the password of DOCKER_RO_USER. With --json it is printed instead, and the
password only with --show-secrets.

    sbs-cli get-config-json --env sbs-config.json`,
		p.withServer(p.saveConfigJSON), jsonFlag(),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`", TakesFile: true},
		&cli.BoolFlag{Name: "show-secrets", Usage: "print the password too"})
}

func (p program) saveConfigJSON(c *cli.Context, server *client.Client, _ *config.Config) error {
	image, err := server.ImageConfig(c.Context)
	if err != nil {
		return err
	}
	path := c.String("output")
	if path == "" && !c.Bool("json") {
		path = repositoryFile(image) + "-config.json"
	}
	if path != "" {
		text, err := json.MarshalIndent(image, "", "    ")
		if err != nil {
			return fmt.Errorf("get-config-json: %w", err)
		}
		if err := atomicfile.Write(path, append(text, '\n'), 0o600); err != nil {
			return fmt.Errorf("get-config-json: %w", err)
		}
		p.inform("wrote %s; it holds a password", path)
	}
	if !c.Bool("json") {
		return nil
	}
	if image.DockerPassword != "" && !c.Bool("show-secrets") {
		image.DockerPassword = api.Secret(image.DockerPassword.String()) // "<redacted>"
	}
	return p.printJSON(image)
}

// repositoryFile returns the beginning of the names of files about an image. The
// client has checked that it is safe as a file name.
func repositoryFile(image api.ImageConfig) string {
	return atomicfile.Name(filepath.Clean(strings.ReplaceAll(image.RepositoryName, "/", "-")))
}
