package contract

// contract.yaml: what its author writes. It has the form of the contract in
// clear, workload and env being mappings, with references to files.

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/opensbs/sbs/client/advice"
)

// Document is a contract.yaml that was read and found right. Each person may
// leave out what is another's: the provider env, the deployer workload.
type Document struct {
	Workload             *Workload `yaml:"workload"`
	Env                  *Env      `yaml:"env"`
	AttestationPublicKey string    `yaml:"attestationPublicKey"` // PEM of an RSA public key
}

// Load reads a contract.yaml for a platform, with all it refers to. Errors name
// the line or the member, and no value.
func Load(path string, platform Platform) (Document, error) {
	d, err := read(path)
	if err == nil {
		err = d.check(platform)
	}
	if err != nil {
		return Document{}, advice.New(fmt.Errorf("contract %s: %w", path, err), nextFor(err, "mend the file; docs/contract.md shows one"))
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
	if err := resolve(&node, filepath.Dir(path)); err != nil {
		return Document{}, err
	}
	var d Document
	if err := node.Load(&d, yaml.WithKnownFields()); err != nil {
		return Document{}, position(err)
	}
	return d, nil
}

func (d Document) check(platform Platform) error {
	if d.Workload == nil && d.Env == nil {
		return errors.New("it has neither a workload nor an env")
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
		if err := d.Env.check(); err != nil {
			return err
		}
	}
	if d.Workload != nil && d.Env != nil {
		theirs, ours := slices.Sorted(maps.Keys(d.Workload.Volumes)), slices.Sorted(maps.Keys(d.Env.Volumes))
		if !slices.Equal(theirs, ours) {
			return fmt.Errorf("a volume has a seed in both sections, under the same name: workload.volumes has %q, env.volumes %q", theirs, ours)
		}
	}
	if d.AttestationPublicKey != "" && !isPublicKey(d.AttestationPublicKey) {
		return fmt.Errorf("attestationPublicKey: not PEM of an RSA public key of %d bits or more", minBits)
	}
	return nil
}

// WorkloadText is the workload section in clear.
func (d Document) WorkloadText() (string, error) {
	if d.Workload == nil {
		return "", advice.New(errors.New("the contract has no workload"), "write one into contract.yaml, or name the encrypted section of its provider with --workload")
	}
	return dump(d.Workload)
}

// Sections is the contract in clear. workload is the section that its provider
// has encrypted, or empty. key is what the contract will be signed with, or nil:
// its public half becomes env.signingKey.
func (d Document) Sections(workload string, key *rsa.PublicKey) (Sections, error) {
	s := Sections{Workload: workload, AttestationPublicKey: d.AttestationPublicKey}
	switch {
	case d.Env == nil:
		return Sections{}, advice.New(errors.New("the contract has no env"), "write one into contract.yaml, or make the workload alone with --only-workload")
	case workload != "" && d.Workload != nil:
		return Sections{}, advice.New(errors.New("the contract has a workload, and --workload names another"), "leave one of them out")
	}
	var err error
	if workload == "" {
		if s.Workload, err = d.WorkloadText(); err != nil {
			return Sections{}, err
		}
	}
	env := *d.Env
	if key != nil {
		if env.SigningKey, err = publicPEM(key); err != nil {
			return Sections{}, fmt.Errorf("contract: %w", err)
		}
	}
	s.Env, err = dump(env)
	return s, err
}
