package contract

// contract.yaml: what its author writes. It has the form of the contract in
// clear, workload and env being mappings, with references to files.

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/client/advice"
)

// Document is a contract.yaml that was read and found right. Each person may
// leave out what is another's: the provider env, the deployer workload.
type Document struct {
	Workload             *Workload `yaml:"workload"`
	Env                  *Env      `yaml:"env"`
	AttestationPublicKey string    `yaml:"attestationPublicKey"` // PEM of an RSA public key, base64 of that, or encrypted

	encrypted map[string]string // sections that are encrypted already, by their names
}

// Load reads a contract.yaml for a platform, with all it refers to. Errors name
// the line or the member, and no value.
func Load(path string, platform Platform) (Document, error) {
	d, err := read(path)
	if err == nil {
		err = d.check(platform)
	}
	if err != nil {
		return Document{}, advice.New(fmt.Errorf("contract %s: %w", path, err), nextFor(err, "fix the file; docs/contract.md shows one"))
	}
	return d, nil
}

// nextFor is err's own advice, or else the given one.
func nextFor(err error, otherwise string) string {
	if next := advice.Next(err); next != "" {
		return next
	}
	return otherwise
}

func read(path string) (Document, error) {
	text, err := readFile(path)
	if err != nil {
		return Document{}, err
	}
	var node yaml.Node
	if err := yaml.Load(text, &node); err != nil {
		return Document{}, position(err)
	}
	encrypted, err := openTexts(&node)
	if err != nil {
		return Document{}, err
	}
	if err := resolve(&node, filepath.Dir(path)); err != nil {
		return Document{}, err
	}
	d := Document{encrypted: encrypted}
	if len(node.Content) == 1 {
		if err := new(members).check(node.Content[0], reflect.TypeFor[Document](), ""); err != nil {
			return Document{}, err
		}
	}
	if err := node.Load(&d, yaml.WithKnownFields()); err != nil {
		return Document{}, position(err)
	}
	return d, nil
}

// EnvEncrypted reports whether the env section is encrypted already, so that
// nothing can be put into it.
func (d Document) EnvEncrypted() bool { return d.encrypted["env"] != "" }

func (d Document) check(platform Platform) error {
	if d.Workload == nil && d.Env == nil && len(d.encrypted) == 0 {
		return errors.New("it has neither a workload nor an env")
	}
	for _, name := range sectionNames {
		if section := d.encrypted[name]; section != "" {
			if err := CheckToken(platform, section); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if w := d.Workload; w != nil {
		if err := w.check(); err != nil {
			return err
		}
		if err := platform.checkWorkload(w); err != nil {
			return err
		}
	}
	if d.Env != nil {
		if err := d.Env.check(platform); err != nil {
			return err
		}
	}
	if d.Workload != nil && d.Env != nil {
		theirs, ours := slices.Sorted(maps.Keys(d.Workload.Volumes)), slices.Sorted(maps.Keys(d.Env.Volumes))
		if !slices.Equal(theirs, ours) {
			return fmt.Errorf("a volume has a seed in both sections, under the same name: workload.volumes has %q, env.volumes %q", theirs, ours)
		}
	}
	if err := public.Check([]byte(d.AttestationPublicKey)); err != nil {
		return fmt.Errorf("attestationPublicKey: the text %w", err)
	}
	if d.AttestationPublicKey != "" && !isPublicKey(d.AttestationPublicKey) && CheckToken(platform, d.AttestationPublicKey) != nil {
		return fmt.Errorf("attestationPublicKey: neither PEM of an RSA public key of %d bits or more, nor base64 of that, nor encrypted for %s", minBits, platform)
	}
	return nil
}

// WorkloadText is the workload section in clear.
func (d Document) WorkloadText() (string, error) {
	if section := d.encrypted["workload"]; section != "" {
		return section, nil
	}
	if d.Workload == nil {
		return "", advice.New(errors.New("the contract has no workload"), "write one into contract.yaml, or name the encrypted section of its provider with --workload")
	}
	return dump(d.Workload)
}

// Sections is the contract in clear. workload is the section that its provider
// has encrypted, or empty. signer is what the contract will be signed with: its
// public half, or the certificate that ends it, becomes env.signingKey. The zero
// Signer signs nothing.
func (d Document) Sections(workload string, signer Signer) (Sections, error) {
	s := Sections{Workload: workload, Env: d.encrypted["env"], AttestationPublicKey: d.AttestationPublicKey}
	switch {
	case d.Env == nil && s.Env == "":
		return Sections{}, advice.New(errors.New("the contract has no env"), "write one into contract.yaml, or make the workload alone with --only-workload")
	case workload != "" && (d.Workload != nil || d.encrypted["workload"] != ""):
		return Sections{}, advice.New(errors.New("the contract has a workload, and --workload names another"), "leave one of them out")
	}
	var err error
	if workload == "" {
		if s.Workload, err = d.WorkloadText(); err != nil {
			return Sections{}, err
		}
	}
	if s.Env != "" {
		return s, nil
	}
	env := *d.Env
	if env.SigningKey, err = signer.public(); err != nil {
		return Sections{}, fmt.Errorf("contract: %w", err)
	}
	s.Env, err = dump(env)
	return s, err
}
