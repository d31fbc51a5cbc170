package main

// Key sources of sbs-cli verify: a trust file, or one flag for each key.

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/verify"
)

// keyFlag is a flag that names a file with one key.
type keyFlag struct {
	name, use string // use as verify.Trust.AddKey takes it
	usage     string
}

func keyFileFlags() []keyFlag {
	return []keyFlag{
		{"dct-key", api.SigningDCT, "root key of Docker Content Trust"},
		{"simple-key", api.SigningSimple, "OpenPGP key of simple signatures"},
		{"sigstore-key", api.SigningSigstore, "key of sigstore bundles"},
		{"sigstore-legacy-key", api.SigningSigstoreLegacy, "key of sigstore signatures in the tag sha256-<hex>.sig"},
		{"attestations-key", verify.UseAttestations, "key of provenance and SBOM"},
		{"manifest-key", verify.UseManifest, "key of the manifest, as get-publickey writes it"},
	}
}

func keyFlags() []cli.Flag {
	var flags []cli.Flag
	for _, f := range keyFileFlags() {
		flags = append(flags, &cli.StringFlag{Name: f.name, Usage: f.usage + ", in `FILE` (instead of --trust)", TakesFile: true})
	}
	return append(flags,
		&cli.StringFlag{Name: "notary", Usage: "notary server for --dct-key, as `URL`"},
		&cli.StringFlag{Name: "notary-ca", Usage: "PEM `FILE` with additional CA certificates for the notary server", TakesFile: true},
		&cli.StringFlag{Name: "source", Usage: "Git repository that must have been built, as in GITHUB_URL"},
		&cli.StringFlag{Name: "builder", Usage: "builder `ID` that the provenance must have"})
}

// trustOf returns the trust file that --trust names, or one of the keys that single
// flags name. Without any key nothing would be checked, and that is an error.
func trustOf(c *cli.Context, repository string) (verify.Trust, error) {
	given := singleKeys(c)
	path := c.String("trust")
	switch {
	case path != "" && len(given) > 0:
		return verify.Trust{}, usageError{fmt.Errorf("--trust and --%s exclude each other", given[0]), "put the key into the trust file"}
	case path != "":
		text, err := os.ReadFile(path)
		if err != nil {
			return verify.Trust{}, fmt.Errorf("trust file: %w", err)
		}
		return verify.ParseTrust(text)
	case len(given) == 0:
		return verify.Trust{}, usageError{errors.New("no key was given, and without one any image would pass"), "get a trust file with sbs-cli get-trust and name it with --trust"}
	}
	trust := verify.NewTrust(repository)
	trust.Source, trust.Builder, trust.Notary = c.String("source"), c.String("builder"), c.String("notary")
	if path := c.String("notary-ca"); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return verify.Trust{}, fmt.Errorf("--notary-ca: %w", err)
		}
		trust.NotaryCA = string(text)
	}
	for _, f := range keyFileFlags() {
		path := c.String(f.name)
		if path == "" {
			continue
		}
		text, err := os.ReadFile(path)
		if err == nil {
			err = trust.AddKey(f.use, string(text))
		}
		if err != nil {
			return verify.Trust{}, fmt.Errorf("--%s: %w", f.name, err)
		}
	}
	if err := trust.Check(); err != nil {
		return verify.Trust{}, usageError{err, "sbs-cli verify --help shows what the flags take"}
	}
	return trust, nil
}

// singleKeys returns the flags that were given and exclude --trust.
func singleKeys(c *cli.Context) (given []string) {
	names := []string{"notary", "notary-ca", "source", "builder"}
	for _, f := range keyFileFlags() {
		names = append([]string{f.name}, names...)
	}
	for _, name := range names {
		if c.String(name) != "" {
			given = append(given, name)
		}
	}
	return given
}
