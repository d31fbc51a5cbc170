package main

import (
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/atomicfile"
	"github.com/opensbs/sbs/client/config"
	"github.com/opensbs/sbs/client/signedmanifest"
)

func buildNameFlag() cli.Flag {
	return &cli.StringFlag{Name: "build-name", Usage: "`NAME` of the build (default: the latest that succeeded)"}
}

func (p program) getManifest() *cli.Command {
	return command("get-manifest", "get the signed record of what an image was built from", `
Writes the manifest of a build to "manifest.<build name>.sig.tbz". With
--verify-manifest its signature is checked with the key that the server gives,
or with --public-key with one that you got before; then "<name>.tbz" and
"<name>.sig" are unpacked next to it, and tar -xf ./<name>.tbz gives the source and
the log (without the ./ GNU tar takes the port of a registry for a machine's
name). --verify-test also makes sure that a changed copy fails the check.

    sbs-cli get-manifest --env sbs-config.json --verify-manifest`,
		p.saveManifest, jsonFlag(), buildNameFlag(),
		&cli.BoolFlag{Name: "verify-manifest", Usage: "check the signature, and unpack"},
		&cli.BoolFlag{Name: "verify-test", Usage: "check also that a changed copy is refused"},
		&cli.StringFlag{Name: "public-key", Usage: "PEM `FILE` with the key to check with (default: the server's)", TakesFile: true})
}

// manifestReport is the output of get-manifest with --json.
type manifestReport struct {
	ManifestName string `json:"manifest_name"`
	File         string `json:"file"`
	Verified     bool   `json:"verified"`
	Archive      string `json:"archive,omitempty"`
	Digest       string `json:"archive_sha256,omitempty"`
	Files        int    `json:"git_files,omitempty"`
	Bytes        int64  `json:"git_bytes,omitempty"`
	TestPassed   bool   `json:"verify_test_passed,omitempty"`
}

func (p program) saveManifest(c *cli.Context) error {
	err := p.withServer(p.fetchManifest)(c)
	if verifiesManifest(c) {
		return unjudged(err)
	}
	return err
}

// verifiesManifest reports whether the manifest is to be verified.
func verifiesManifest(c *cli.Context) bool {
	return c.Bool("verify-manifest") || c.Bool("verify-test") || c.String("public-key") != ""
}

func (p program) fetchManifest(c *cli.Context, server *client.Client, _ *config.Config) error {
	name, path, err := server.SaveManifest(c.Context, c.String("build-name"), ".")
	if err != nil {
		return err
	}
	p.inform("wrote %s", path)
	report := manifestReport{ManifestName: name, File: path}
	if verifiesManifest(c) {
		if err := p.verifyManifest(c, server, &report); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return p.printJSON(report)
	}
	return nil
}

func (p program) verifyManifest(c *cli.Context, server *client.Client, report *manifestReport) error {
	key, err := p.manifestKey(c, server, report.ManifestName)
	if err != nil {
		return err
	}
	result, err := signedmanifest.Manifest(c.Context, report.File, key)
	if err != nil {
		return err
	}
	report.Verified = true
	report.Archive = result.Archive
	report.Digest = hex.EncodeToString(result.Digest[:])
	report.Files, report.Bytes = result.Summary.Files, result.Summary.Bytes
	p.inform("verify=OK: the signature holds; %d files with %d bytes of source are in ./%s", report.Files, report.Bytes, result.Archive)
	if !c.Bool("verify-test") {
		return nil
	}
	if err := signedmanifest.SelfTest(c.Context, result, key); err != nil {
		return err
	}
	report.TestPassed = true
	p.inform("verify test=OK: a copy with one byte changed was refused")
	return nil
}

// manifestKey returns the key in the user's file, or the server's key for exactly
// the build whose manifest was fetched: the latest may be another by now.
func (p program) manifestKey(c *cli.Context, server *client.Client, manifestName string) (*rsa.PublicKey, error) {
	if path := c.String("public-key"); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("public key: %w", err)
		}
		return signedmanifest.ParsePublicKey(text)
	}
	key, err := p.savePublicKey(c, server, strings.TrimPrefix(manifestName, manifest.Name("")))
	if err != nil {
		return nil, err
	}
	return signedmanifest.ParsePublicKey([]byte(key.PublicKeyPEM))
}

func (p program) getPublicKey() *cli.Command {
	return command("get-publickey", "get the key that verifies a manifest", `
Writes the public key that verifies the manifest of a build to
"manifest.<build name>-public.pem".

    sbs-cli get-publickey --env sbs-config.json`,
		p.withServer(func(c *cli.Context, server *client.Client, _ *config.Config) error {
			key, err := p.savePublicKey(c, server, c.String("build-name"))
			if err != nil || !c.Bool("json") {
				return err
			}
			return p.printJSON(key)
		}), jsonFlag(), buildNameFlag())
}

func (p program) savePublicKey(c *cli.Context, server *client.Client, buildName string) (api.PublicKey, error) {
	key, err := server.PublicKey(c.Context, buildName)
	if err != nil {
		return api.PublicKey{}, err
	}
	if buildName != "" && key.BuildName != buildName {
		return api.PublicKey{}, advice.New(fmt.Errorf("get-publickey: the server sent the key of %s instead of %s", key.BuildName, buildName), "get the key from a source that you trust and name it with --public-key")
	}
	path := atomicfile.Name(manifest.Name(key.BuildName) + "-public.pem")
	if err := atomicfile.Write(path, []byte(key.PublicKeyPEM), 0o644); err != nil {
		return api.PublicKey{}, fmt.Errorf("get-publickey: %w", err)
	}
	p.inform("wrote %s", path)
	return key, nil
}
