package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/distribution/reference"
	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/config"
	"github.com/opensbs/sbs/client/verify"
	"github.com/opensbs/sbs/signature"
)

const verifyUsage = "sbs-cli verify --trust FILE [--manifest FILE] IMAGE"

func (p program) verify() *cli.Command {
	verify := commandOf("verify", "check an image, its build and its source, against keys that you keep", `
Checks the image's signatures, its provenance and SBOM, the manifest of its build,
and that the files in the manifest are those of the commit, whose id is computed
from them. Everything that the trust file has a key for is required; what is
missing fails, unless it is left out with --skip. Each line shows what was found and
what that proves.

Only the image's registry and the notary server of the trust file are contacted.
With --env the manifest, and signatures that the registry does not keep, come from
the server. The registry's account is DOCKER_RO_USER and DOCKER_RO_PASSWORD of that
configuration, or SBS_DOCKER_RO_USER and SBS_DOCKER_RO_PASSWORD of the environment,
or else the one that docker login or podman login keeps.

    sbs-cli verify --trust app-trust.json --manifest manifest.NAME.sig.tbz IMAGE`,
		judging(p.verifyImage), append([]cli.Flag{
			envFlag(), jsonFlag(), buildNameFlag(),
			&cli.StringFlag{Name: "trust", Usage: "trust `FILE`, as get-trust writes it", TakesFile: true},
			&cli.StringFlag{Name: "manifest", Usage: "signed manifest, a `FILE` that ends in .sig.tbz", TakesFile: true},
			&cli.StringFlag{Name: "mirror-of", Usage: "verify IMAGE as a copy of an image of the repository `NAME`, which the trust file is for"},
			&cli.StringSliceFlag{Name: "skip", Usage: "leave out a `PART`: manifest, provenance, sbom, dct, simple, sigstore or sigstore-legacy"},
			&cli.BoolFlag{Name: "allow-simulated", Usage: "accept what a simulated enclave signed, which proves nothing"},
			&cli.StringFlag{Name: "lookaside", Usage: "`FOLDER` or URL of the simple signatures (default: in the registry)", TakesFile: true},
			&cli.StringFlag{Name: "ca", Usage: "PEM `FILE` with additional CA certificates for the registry", TakesFile: true},
		}, keyFlags()...)...)
	verify.ArgsUsage = "IMAGE"
	return verify
}

// verifyImage prints the report, and fails unless everything in it passed.
func (p program) verifyImage(c *cli.Context) error {
	report, err := p.verifyReport(c)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if c.Bool("json") {
		err = p.printJSON(report)
	} else {
		err = p.print(report.Text())
	}
	return errors.Join(report.Err(), err)
}

// verifyReport verifies the image of the command line. A server takes part only
// where --env names its configuration: one that happens to be in the working
// directory is not used.
func (p program) verifyReport(c *cli.Context) (verify.Report, error) {
	image, mirrorOf, err := imageArguments(c)
	if err != nil {
		return verify.Report{}, err
	}
	trust, err := trustOf(c, cmp.Or(mirrorOf, image.Repository))
	if err != nil {
		return verify.Report{}, err
	}
	request := verify.Request{
		Reference: image, MirrorOf: mirrorOf, Trust: trust,
		Manifest: c.String("manifest"), BuildName: c.String("build-name"), Skip: c.StringSlice("skip"),
		AllowSimulated: c.Bool("allow-simulated"),
	}
	if err := request.CheckSkip(); err != nil {
		return verify.Report{}, usageError{fmt.Errorf("--skip: %w", err), advice.Next(err)}
	}
	if request.Lookaside, err = absolute(c.String("lookaside")); err != nil {
		return verify.Report{}, err
	}
	var settings *config.Config
	if _, given := envFile(c); given {
		var server *client.Client
		if server, settings, err = p.connect(c); err != nil {
			return verify.Report{}, err
		}
		defer server.Close()
		request.Server = server
	}
	if request.Access, request.Origin, err = p.registryAccess(c, request, settings); err != nil {
		return verify.Report{}, err
	}
	return verify.Run(c.Context, request)
}

// imageArguments returns the image of the command line, and the repository that
// --mirror-of names, in full.
func imageArguments(c *cli.Context) (image signature.Reference, mirrorOf string, err error) {
	if c.NArg() != 1 {
		return signature.Reference{}, "", usageError{fmt.Errorf("it expects exactly one IMAGE, after all flags, but was given %d arguments", c.NArg()), verifyUsage}
	}
	if image, err = signature.ParseReference(c.Args().First()); err != nil {
		return signature.Reference{}, "", usageError{err, verifyUsage}
	}
	given := c.String("mirror-of")
	if given == "" {
		return image, "", nil
	}
	named, err := reference.ParseNormalizedNamed(given)
	if err == nil && !reference.IsNameOnly(named) {
		err = errors.New("it has a tag or a digest")
	}
	if err != nil {
		return signature.Reference{}, "", usageError{fmt.Errorf("--mirror-of %.200q: %w", given, err), "give the repository that the image was built for, as host/namespace/name"}
	}
	return image, named.Name(), nil
}

// absolute returns the absolute path of a folder; a URL stays as it is.
func absolute(lookaside string) (string, error) {
	if info, err := os.Stat(lookaside); err != nil || !info.IsDir() {
		return lookaside, nil
	}
	return filepath.Abs(lookaside)
}
