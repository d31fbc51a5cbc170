package main

// Where sbs-cli verify has its keys from: a trust file, or one flag for each.

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/verify"
)

// keyFlag is a flag that names a file with one key.
type keyFlag struct {
	name, method string // method as in a trust file
	usage        string
}

func keyFileFlags() []keyFlag {
	return []keyFlag{
		{"dct-key", api.SigningDCT, "root key of Docker Content Trust"},
		{"simple-key", api.SigningSimple, "OpenPGP key of simple signatures"},
		{"sigstore-key", api.SigningSigstore, "key of sigstore bundles"},
		{"sigstore-legacy-key", api.SigningSigstoreLegacy, "key of sigstore signatures in the tag sha256-<hex>.sig"},
		{"attestations-key", "attestations", "key of provenance and bill of materials"},
		{"manifest-key", "manifest", "key of the manifest, as get-publickey writes it"},
	}
}

func keyFlags() []cli.Flag {
	var flags []cli.Flag
	for _, f := range keyFileFlags() {
		flags = append(flags, &cli.StringFlag{Name: f.name, Usage: f.usage + ", in `FILE` (instead of --trust)", TakesFile: true})
	}
	return append(flags,
		&cli.StringFlag{Name: "notary", Usage: "notary server for --dct-key, as `URL`"},
		&cli.StringFlag{Name: "notary-ca", Usage: "PEM `FILE` with authorities to trust for the notary server", TakesFile: true},
		&cli.StringFlag{Name: "source", Usage: "Git repository that must have been built, as in GITHUB_URL"},
		&cli.StringFlag{Name: "builder", Usage: "builder `ID` that the provenance must have"})
}

// trustOf reads the trust file, or makes one of the single keys. Without any key
// nothing is checked, and that is refused.
func trustOf(c *cli.Context, repository string) (verify.Trust, error) {
	given := singleKeys(c)
	path := c.String("trust")
	switch {
	case path != "" && len(given) > 0:
		return verify.Trust{}, usageError{fmt.Errorf("--trust and --%s can't stand together", given[0]), "put the key into the trust file"}
	case path != "":
		text, err := os.ReadFile(path)
		if err != nil {
			return verify.Trust{}, fmt.Errorf("trust file: %w", err)
		}
		return verify.ParseTrust(text)
	case len(given) == 0:
		return verify.Trust{}, usageError{errors.New("no key was given, and without one any image would pass"), "get a trust file with sbs-cli get-trust and name it with --trust"}
	}
	trust := verify.Trust{Version: 1, Repository: repository, Source: c.String("source"), Builder: c.String("builder"), Notary: c.String("notary")}
	if ca := c.String("notary-ca"); ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return verify.Trust{}, fmt.Errorf("--notary-ca: %w", err)
		}
		trust.NotaryCA = string(text)
	}
	for _, f := range keyFileFlags() {
		if err := addKey(&trust, f, c.String(f.name)); err != nil {
			return verify.Trust{}, fmt.Errorf("--%s: %w", f.name, err)
		}
	}
	return trust, trust.Check()
}

// singleKeys are the flags of trustOf that say what a trust file says.
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

func addKey(trust *verify.Trust, f keyFlag, path string) error {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	method := f.method
	if method == "attestations" || method == "manifest" {
		method = ""
	}
	key, err := verify.NewKey(method, keyText(method, string(text)))
	if err != nil {
		return err
	}
	switch f.method {
	case "attestations":
		trust.Attestations, trust.Published = &key, []string{api.AttestationProvenance, api.AttestationSBOM}
	case "manifest":
		trust.Manifest = &key
	default:
		trust.Signatures = append(trust.Signatures, key)
	}
	return nil
}

// keyText undoes the base64 in which get-signed-image-publickey writes an OpenPGP
// key for a contract.
func keyText(method, text string) string {
	if method != api.SigningSimple {
		return text
	}
	if armoured, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err == nil {
		return string(armoured)
	}
	return text
}
