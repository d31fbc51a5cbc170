package main

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/atomicfile"
	"github.com/opensbs/sbs/client/contract"
)

// maxInput bounds the files that flags of this command name, in bytes.
const maxInput = 16 << 20

func (p program) contract() *cli.Command {
	file := func(name, usage string) cli.Flag {
		return &cli.StringFlag{Name: name, Usage: usage, TakesFile: true}
	}
	return commandWithout("contract", "make the contract that a server, or another image, is deployed with", `
Reads contract.yaml, checks it, encrypts its sections to the platform, signs
them, and writes user-data.yaml. docs/contract.md shows a contract.yaml.

    sbs-cli contract --platform ccrt --certificate encrypt.crt --signing-key contract-key.pem

The provider of an image encrypts the workload alone, and gives the file to the
deployer:

    sbs-cli contract --platform ccrt --certificate encrypt.crt --only-workload
    sbs-cli contract --platform ccrt --certificate encrypt.crt --workload workload.txt --signing-key contract-key.pem

--plain shows the same in clear, with every secret.`,
		p.makeContract,
		&cli.StringFlag{Name: "platform", Usage: "the runtime: `hpvs|ccco|ccrt|ccrv`"},
		&cli.StringFlag{Name: "contract", Usage: "read this `FILE`", Value: "contract.yaml", TakesFile: true},
		file("certificate", "encryption certificate `FILE` of the platform"),
		file("signing-key", "sign with this RSA private key `FILE`"),
		file("signing-certificate", "certificate `FILE` of that key: the contract expires with it"),
		file("workload", "`FILE` with the workload section, encrypted by its provider"),
		&cli.BoolFlag{Name: "only-workload", Usage: "write the workload section alone"},
		&cli.BoolFlag{Name: "plain", Usage: "print the contract in clear instead"},
		&cli.BoolFlag{Name: "allow-expired", Usage: "take an encryption certificate that is not valid now"},
		file("output", "write to this new `FILE` (default: user-data.yaml, or workload.txt)"))
}

func (p program) makeContract(c *cli.Context) error {
	platform, err := contract.ParsePlatform(c.String("platform"))
	if err != nil {
		return usageError{err, advice.Next(err)}
	}
	certificate, err := p.encryptionCertificate(c)
	if err != nil {
		return err
	}
	document, err := contract.Load(c.String("contract"), platform)
	if err != nil {
		return err
	}
	if c.Bool("only-workload") {
		return p.makeWorkload(c, document, platform, certificate)
	}
	key, workload, err := p.contractFiles(c, platform)
	if err != nil {
		return err
	}
	signer, err := p.signer(c, key)
	if err != nil {
		return err
	}
	if key != nil && document.EnvEncrypted() {
		p.inform("warning: the env section is encrypted already: it must name the public half of --signing-key itself")
	}
	sections, err := document.Sections(workload, signer)
	if err == nil && !c.Bool("plain") {
		sections, err = sections.Encrypt(platform, certificate)
	}
	if err == nil && key != nil {
		sections, err = sections.Sign(key)
	}
	if err != nil {
		return err
	}
	text, err := sections.YAML()
	if err != nil {
		return err
	}
	if err := p.writeOutput(c, "user-data.yaml", text); err != nil {
		return err
	}
	if key == nil {
		p.inform("warning: the contract is not signed: --signing-key")
	}
	digests := sections.Digests()
	for _, name := range []string{contract.RecordWorkload, contract.RecordEnv, contract.RecordAttestationPublicKey} {
		if digest, there := digests[name]; there && !c.Bool("plain") {
			p.inform("%s %s", digest, name)
		}
	}
	return nil
}

// signer returns the key with the certificate that ends the contract, where one is
// named.
func (p program) signer(c *cli.Context, key *rsa.PrivateKey) (contract.Signer, error) {
	path := c.String("signing-certificate")
	switch {
	case path == "":
		return contract.Signer{Key: key}, nil
	case key == nil:
		return contract.Signer{}, usageError{errors.New("contract: --signing-certificate goes with --signing-key"), "name the private key of the certificate"}
	}
	text, err := readInput(path)
	if err != nil {
		return contract.Signer{}, err
	}
	certificate, err := contract.ParseSigningCertificate([]byte(text), key, p.now())
	if err != nil {
		return contract.Signer{}, fmt.Errorf("%s: %w", path, err)
	}
	p.inform("the contract expires on %s: the runtime does not start after that", certificate.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
	return contract.Signer{Key: key, Certificate: certificate}, nil
}

// makeWorkload writes the provider's section alone.
func (p program) makeWorkload(c *cli.Context, document contract.Document, platform contract.Platform, certificate contract.Certificate) error {
	if i := slices.IndexFunc([]string{"workload", "signing-key", "signing-certificate"}, c.IsSet); i >= 0 {
		return usageError{errors.New("contract: --only-workload makes an unsigned workload; --workload and --signing-key are the deployer's"), "sbs-cli contract --help shows the flags"}
	}
	text, err := document.WorkloadText()
	if err == nil && !c.Bool("plain") {
		text, err = contract.EncryptSection(platform, certificate, text)
		text += "\n"
	}
	if err != nil {
		return err
	}
	return p.writeOutput(c, "workload.txt", text)
}

// encryptionCertificate reads the certificate and prints when it ends. With
// --plain there need be none.
func (p program) encryptionCertificate(c *cli.Context) (contract.Certificate, error) {
	path := c.String("certificate")
	if path == "" && c.Bool("plain") {
		return contract.Certificate{}, nil
	}
	if path == "" {
		return contract.Certificate{}, usageError{errors.New("contract: the platform's encryption certificate is missing"), "name it with --certificate, or look at the contract with --plain"}
	}
	text, err := readInput(path)
	if err != nil {
		return contract.Certificate{}, err
	}
	certificate, err := contract.ParseCertificate([]byte(text))
	if err != nil {
		return contract.Certificate{}, fmt.Errorf("%s: %w", path, err)
	}
	err = certificate.Check(p.now())
	switch {
	case err != nil && !c.Bool("allow-expired"):
		return contract.Certificate{}, fmt.Errorf("%s: %w", path, err)
	case err != nil:
		p.inform("warning: %s: %v", path, err)
	case certificate.ExpiresSoon(p.now()):
		p.inform("warning: the encryption certificate %s expires on %s", path, certificate.NotAfter.UTC().Format("2006-01-02"))
	default:
		p.inform("the encryption certificate is valid until %s", certificate.NotAfter.UTC().Format("2006-01-02"))
	}
	return certificate, nil
}

// contractFiles reads the signing key and the provider's section, where they are
// named.
func (p program) contractFiles(c *cli.Context, platform contract.Platform) (*rsa.PrivateKey, string, error) {
	var key *rsa.PrivateKey
	if path := c.String("signing-key"); path != "" {
		text, err := readInput(path)
		if err != nil {
			return nil, "", err
		}
		if key, err = contract.ParseSigningKey([]byte(text)); err != nil {
			return nil, "", fmt.Errorf("%s: %w", path, err)
		}
	}
	path := c.String("workload")
	if path == "" {
		return key, "", nil
	}
	text, err := readInput(path)
	if err != nil {
		return nil, "", err
	}
	workload := strings.TrimSpace(text)
	if err := contract.CheckToken(platform, workload); err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return key, workload, nil
}

// writeOutput prints the text with --plain, and writes it to a new file otherwise:
// what a server was deployed with must stay, to be compared with what it
// attests.
func (p program) writeOutput(c *cli.Context, name, text string) error {
	if path := c.String("output"); path != "" {
		name = path
	} else if c.Bool("plain") {
		return p.print(text)
	}
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return advice.New(fmt.Errorf("contract: %s is there already, and is not overwritten", filepath.Clean(name)), "move it away, or name another file with --output")
	}
	if err := atomicfile.Write(name, []byte(text), 0o600); err != nil {
		return fmt.Errorf("contract: %w", err)
	}
	p.inform("wrote %s", name)
	return nil
}

func readInput(path string) (text string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("contract: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	content, err := io.ReadAll(io.LimitReader(file, maxInput+1))
	if err != nil {
		return "", fmt.Errorf("contract: %w", err)
	}
	if len(content) > maxInput {
		return "", fmt.Errorf("contract: %s is larger than %d MiB", path, maxInput>>20)
	}
	return string(content), nil
}
