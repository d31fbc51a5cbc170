package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/atomicfile"
)

func (p program) getDigest() *cli.Command {
	return command("get-digest", "print the digest of the image that was built", `
Prints the image of the latest successful build with its digest: what a compose
file is to name.

    sbs-cli get-digest --env sbs-config.json`,
		func(c *cli.Context) error {
			server, _, err := p.connect(c)
			if err != nil {
				return err
			}
			defer server.Close()
			digest, err := server.ImageDigest(c.Context)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return p.printJSON(map[string]string{"image": digest})
			}
			return p.print("Digest value of the built image: " + digest + "\n")
		}, jsonFlag())
}

func (p program) getConfigJSON() *cli.Command {
	return command("get-config-json", "get what a deployment of the image needs", `
Writes the image's repository, the user and password that may pull it, and the
public key of its signature to "<repository>-config.json" with mode 0600: it
holds the password of DOCKER_RO_USER. With --json it is printed instead, and the
password only with --show-secrets.

    sbs-cli get-config-json --env sbs-config.json`,
		p.saveConfigJSON, jsonFlag(),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`", TakesFile: true},
		&cli.BoolFlag{Name: "show-secrets", Usage: "print the password too"})
}

func (p program) saveConfigJSON(c *cli.Context) error {
	server, _, err := p.connect(c)
	if err != nil {
		return err
	}
	defer server.Close()
	config, err := server.ImageConfig(c.Context)
	if err != nil {
		return err
	}
	path := c.String("output")
	if path == "" && !c.Bool("json") {
		path = repositoryFile(config) + "-config.json"
	}
	if path != "" {
		text, err := json.MarshalIndent(config, "", "    ")
		if err != nil {
			return fmt.Errorf("get-config-json: %w", err)
		}
		if err := atomicfile.Write(path, append(text, '\n'), 0o600); err != nil {
			return fmt.Errorf("get-config-json: %w", err)
		}
		p.say("wrote %s; it holds a password", path)
	}
	if !c.Bool("json") {
		return nil
	}
	if config.DockerPassword != "" && !c.Bool("show-secrets") {
		config.DockerPassword = api.Secret(config.DockerPassword.String()) // "<redacted>"
	}
	return p.printJSON(config)
}

func (p program) getSignedImagePublicKey() *cli.Command {
	return command("get-signed-image-publickey", "get the public key of the image's signature", `
Writes the public key that a contract names to verify the image, to
"<repository>-public.key": for Docker Content Trust as it goes to images.dct,
for an OpenPGP key (Red Hat simple signing) in base64, as it goes to images.rhs.

    sbs-cli get-signed-image-publickey --env sbs-config.json`,
		func(c *cli.Context) error {
			server, _, err := p.connect(c)
			if err != nil {
				return err
			}
			defer server.Close()
			config, err := server.ImageConfig(c.Context)
			if err != nil {
				return err
			}
			key := contractKey(config.PublicKey)
			path := repositoryFile(config) + "-public.key"
			if err := atomicfile.Write(path, []byte(key), 0o644); err != nil {
				return fmt.Errorf("get-signed-image-publickey: %w", err)
			}
			p.say("wrote %s", path)
			if !c.Bool("json") {
				return nil
			}
			return p.printJSON(map[string]string{"file": path, "public_key_id": config.PublicKeyID, "public_key": key})
		}, jsonFlag())
}

// contractKey is the key as a contract takes it. Its form tells what it is:
// Docker Content Trust's is base64 already.
func contractKey(key string) string {
	if strings.Contains(key, "-----BEGIN PGP PUBLIC KEY BLOCK-----") {
		return base64.StdEncoding.EncodeToString([]byte(key))
	}
	return key
}

// repositoryFile begins the names of files about an image. The client has
// checked that it is fit to.
func repositoryFile(config api.ImageConfig) string {
	return filepath.Clean(strings.ReplaceAll(config.RepositoryName, "/", "-"))
}
