package main

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/atomicfile"
	"github.com/opensbs/sbs/client/config"
)

func (p program) getSignedImagePublicKey() *cli.Command {
	return command("get-signed-image-publickey", "get the public key of the image's signature", `
Writes the public key that verifies the image to "<repository>-public.key": of
the first signature that a contract takes, or of the one that --method names.
For Docker Content Trust (dct) it is as it goes to images.dct; for Red Hat simple
signing (simple) the OpenPGP key in base64, as it goes to images.rhs; for sigstore
the PEM that cosign verify --key takes. The image's provenance and SBOM
(attestations) are verified by the sigstore key, whether or not the image is signed
with it.

    sbs-cli get-signed-image-publickey --env sbs-config.json --method simple`,
		p.saveSignedImagePublicKey, jsonFlag(),
		&cli.StringFlag{Name: "method", Usage: "the signing `METHOD`: dct, simple, sigstore or attestations"})
}

// keyMethods are the values of --method.
var keyMethods = []string{api.SigningDCT, api.SigningSimple, api.SigningSigstore, api.SigningSigstoreLegacy, api.KeyOfAttestations}

func (p program) saveSignedImagePublicKey(c *cli.Context) error {
	if method := c.String("method"); method != "" && !slices.Contains(keyMethods, method) {
		return usageError{fmt.Errorf("get-signed-image-publickey: --method %q is no signing method", method), "give one of " + strings.Join(keyMethods, ", ")}
	}
	return p.withServer(p.savePublicKeyOf)(c)
}

func (p program) savePublicKeyOf(c *cli.Context, server *client.Client, _ *config.Config) error {
	image, err := server.ImageConfig(c.Context)
	if err != nil {
		return err
	}
	signature, err := chosenSignature(image, c.String("method"))
	if err != nil {
		return fmt.Errorf("get-signed-image-publickey: %w", err)
	}
	key := contractKey(signature.Key)
	path := repositoryFile(image) + "-public.key"
	if err := atomicfile.Write(path, []byte(key), 0o644); err != nil {
		return fmt.Errorf("get-signed-image-publickey: %w", err)
	}
	p.inform("wrote %s", path)
	if !c.Bool("json") {
		return nil
	}
	return p.printJSON(map[string]string{"file": path, "public_key_id": signature.ID, "public_key": key})
}

// chosenSignature returns the signature of that method, or without one the contract's. A
// sigstore key is the same in both forms of signatures, and verifies the
// attestations.
func chosenSignature(image api.ImageConfig, method string) (api.ImageSignature, error) {
	accepted := []string{method}
	if method == api.SigningSigstore {
		accepted = append(accepted, api.SigningSigstoreLegacy, api.KeyOfAttestations)
	}
	var methods []string
	for _, signature := range image.Signatures {
		if slices.Contains(accepted, signature.Method) {
			return signature, nil
		}
		methods = append(methods, signature.Method)
	}
	signed := "it is signed with " + strings.Join(methods, ", ") + ": name one of them with --method"
	switch {
	case method != "":
		return api.ImageSignature{}, advice.New(fmt.Errorf("the image has no signature of the kind %q", method), signed)
	case image.PublicKey == "":
		return api.ImageSignature{}, advice.New(fmt.Errorf("the image has no signature that a contract takes"), signed)
	}
	return api.ImageSignature{ID: image.PublicKeyID, Key: image.PublicKey}, nil
}

// contractKey returns the key as a contract takes it: an OpenPGP key in base64, as
// that of Docker Content Trust is already.
func contractKey(key string) string {
	if strings.Contains(key, "-----BEGIN PGP PUBLIC KEY BLOCK-----") {
		return base64.StdEncoding.EncodeToString([]byte(key))
	}
	return key
}

func (p program) getSignatures() *cli.Command {
	return command("get-signatures", "get the image's simple signatures for skopeo and podman", `
Writes the simple signatures of the latest image into a folder that skopeo and
podman read as a lookaside store, where the registry keeps no signatures itself:
name it as "lookaside: file:///..." in /etc/containers/registries.d.

    sbs-cli get-signatures --env sbs-config.json --output /var/lib/lookaside`,
		p.withServer(func(c *cli.Context, server *client.Client, _ *config.Config) error {
			files, err := server.SaveSignatures(c.Context, c.String("output"))
			if err != nil {
				return err
			}
			for _, file := range files {
				p.inform("wrote %s", file)
			}
			if !c.Bool("json") {
				return nil
			}
			return p.printJSON(map[string][]string{"files": files})
		}), jsonFlag(),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "lookaside", Usage: "the lookaside `FOLDER`", TakesFile: true})
}
