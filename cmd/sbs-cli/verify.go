package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/distribution/reference"
	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/client/verify"
	"github.com/opensbs/sbs/signature"
)

const verifyUsage = "sbs-cli verify --trust FILE [--manifest FILE] IMAGE"

func (p program) verify() *cli.Command {
	verify := commandOf("verify", "check an image, its build and its source, against keys that you keep", `
Checks what an auditor asks: the image's signatures, the provenance and the bill
of materials beside it, the manifest of its build, and that the files in the
manifest are those of the commit, which is computed anew from them. Everything
that the trust file has a key for is demanded; what is missing fails, unless it
is left out with --skip. Each line says what was found and what that proves.

Nobody is asked but the image's registry and the notary server of the trust file.
With --env the manifest, and signatures that the registry does not keep, come from
the server. The registry's account is DOCKER_RO_USER and DOCKER_RO_PASSWORD of that
configuration, or SBS_DOCKER_RO_USER and SBS_DOCKER_RO_PASSWORD of the environment,
or else the one that docker login or podman login keeps.

    sbs-cli verify --trust app-trust.json --manifest manifest.NAME.sig.tbz IMAGE`,
		judging(p.verifyImage), append([]cli.Flag{
			envFlag(), jsonFlag(), buildNameFlag(),
			&cli.StringFlag{Name: "trust", Usage: "trust `FILE`, as get-trust writes it", TakesFile: true},
			&cli.StringFlag{Name: "manifest", Usage: "signed manifest, a `FILE` that ends in .sig.tbz", TakesFile: true},
			&cli.StringFlag{Name: "mirror-of", Usage: "judge IMAGE as a copy of an image of the repository `NAME`, which the trust file is for"},
			&cli.StringSliceFlag{Name: "skip", Usage: "leave out a `PART`: manifest, provenance, sbom, dct, simple, sigstore or sigstore-legacy"},
			&cli.BoolFlag{Name: "allow-simulated", Usage: "accept what a simulated enclave signed, which proves nothing"},
			&cli.StringFlag{Name: "lookaside", Usage: "`FOLDER` or URL of the simple signatures (default: in the registry)", TakesFile: true},
			&cli.StringFlag{Name: "ca", Usage: "PEM `FILE` with authorities to trust for the registry, beside the system's", TakesFile: true},
		}, keyFlags()...)...)
	verify.ArgsUsage = "IMAGE"
	return verify
}

// verifyImage prints the report, and fails unless everything in it passed.
func (p program) verifyImage(c *cli.Context) (err error) {
	request, err := p.auditRequest(c)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if request.Scratch, err = os.MkdirTemp("", "sbs-verify-"); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(request.Scratch)) }()
	if err := p.askServer(c, &request); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	report, err := verify.Run(c.Context, request)
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

// auditRequest is what the command line says.
func (p program) auditRequest(c *cli.Context) (verify.Request, error) {
	if c.NArg() != 1 {
		return verify.Request{}, usageError{fmt.Errorf("it takes one image, behind all flags, but was given %d arguments", c.NArg()), verifyUsage}
	}
	image, err := signature.ParseReference(c.Args().First())
	if err != nil {
		return verify.Request{}, err
	}
	mirrorOf, err := repositoryOf(c.String("mirror-of"))
	if err != nil {
		return verify.Request{}, err
	}
	trust, err := trustOf(c, cmp.Or(mirrorOf, image.Repository))
	if err != nil {
		return verify.Request{}, err
	}
	request := verify.Request{
		MirrorOf:  mirrorOf,
		Reference: image,
		Trust:     trust,
		Manifest:  c.String("manifest"),
		Skip:      c.StringSlice("skip"),
		Lookaside: c.String("lookaside"),

		AllowSimulated: c.Bool("allow-simulated"),
	}
	if request.Lookaside, err = absolute(request.Lookaside); err != nil {
		return verify.Request{}, err
	}
	request.Access, err = p.registryAccess(image.Repository)
	if err != nil {
		return verify.Request{}, err
	}
	if request.Mirrored() {
		if request.Origin, err = keptAccess(trust.Repository); err != nil {
			return verify.Request{}, err
		}
	}
	if path := c.String("ca"); path != "" {
		if request.Access.CABundle, err = os.ReadFile(path); err != nil {
			return verify.Request{}, fmt.Errorf("--ca: %w", err)
		}
		if err := public.Certificates(request.Access.CABundle); err != nil {
			return verify.Request{}, fmt.Errorf("--ca: %s %w", path, err)
		}
		request.Origin.CABundle = request.Access.CABundle
	}
	return request, nil
}

// repositoryOf writes the repository in --mirror-of out in full.
func repositoryOf(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	named, err := reference.ParseNormalizedNamed(text)
	if err == nil && !reference.IsNameOnly(named) {
		err = errors.New("it has a tag or a digest")
	}
	if err != nil {
		return "", usageError{fmt.Errorf("--mirror-of %.200q: %w", text, err), "give the repository that the image was built for, as host/namespace/name"}
	}
	return named.Name(), nil
}

// absolute makes a folder's path absolute; a URL stays as it is.
func absolute(place string) (string, error) {
	if info, err := os.Stat(place); err != nil || !info.IsDir() {
		return place, nil
	}
	return filepath.Abs(place)
}

// askServer gets from the server what the command line does not have, when a
// configuration was named: nothing is asked of a server that happens to be in
// the working directory.
func (p program) askServer(c *cli.Context, request *verify.Request) error {
	if !isSet(c, "env") {
		return nil
	}
	server, settings, err := p.connect(c)
	if err != nil {
		return err
	}
	defer server.Close()
	if user := settings.Text("DOCKER_RO_USER"); user != "" {
		access := &request.Access
		if request.Mirrored() { // it is an account of the original's registry
			access = &request.Origin
		}
		access.User, access.Password = user, settings.Text("DOCKER_RO_PASSWORD")
		access.IdentityToken, access.RegistryToken = "", ""
	}
	if request.Manifest == "" && request.Trust.Manifest != nil {
		if _, request.Manifest, err = server.SaveManifest(c.Context, c.String("build-name"), request.Scratch); err != nil {
			return err
		}
	}
	if request.Lookaside != "" || !hasKey(request.Trust, api.SigningSimple) {
		return nil
	}
	config, err := server.ImageConfig(c.Context)
	if err != nil || config.Lookaside == "" {
		return err
	}
	request.Lookaside = filepath.Join(request.Scratch, "lookaside")
	_, err = server.SaveSignatures(c.Context, request.Lookaside)
	return err
}

// isSet says whether a flag stands before or behind the command.
func isSet(c *cli.Context, name string) bool {
	for _, context := range c.Lineage() {
		if context.IsSet(name) {
			return true
		}
	}
	return false
}

func hasKey(trust verify.Trust, method string) bool {
	for _, key := range trust.Signatures {
		if key.Method == method {
			return true
		}
	}
	return false
}
