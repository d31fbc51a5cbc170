package contract

// The contract as it is deployed: a YAML mapping of sections, user-data.yaml.
// Each section is text, in clear or encrypted, and is hashed and signed as it is
// written.

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/opensbs/sbs/client/advice"
)

// Sections are the values of user-data.yaml as written.
type Sections struct {
	Workload             string `yaml:"workload"`
	Env                  string `yaml:"env"`
	AttestationPublicKey string `yaml:"attestationPublicKey,omitempty"`
	Signature            string `yaml:"envWorkloadSignature,omitempty"` // base64
}

// Names of the sections in the runtime's attestation record.
const (
	RecordWorkload             = "contract:workload"
	RecordEnv                  = "contract:env"
	RecordAttestationPublicKey = "contract:attestationPublicKey"
)

// maxUserData bounds user-data.yaml, in bytes.
const maxUserData = 3 * maxToken

// ErrSignature means that the signature of a contract is not of its sections.
var ErrSignature = errors.New("the signature is not of this workload and env by this key")

// Parse reads a user-data.yaml. Other sections, such as boot, are passed over.
func Parse(userData []byte) (Sections, error) {
	if len(userData) > maxUserData {
		return Sections{}, fmt.Errorf("read contract: larger than %d MiB", maxUserData>>20)
	}
	var s Sections
	if err := yaml.Load(userData, &s); err != nil {
		return Sections{}, fmt.Errorf("read contract: %w", position(err))
	}
	if s.Workload == "" || s.Env == "" {
		return Sections{}, errors.New("read contract: a contract has the sections workload and env, each as text")
	}
	return s, nil
}

// YAML is the contract as user-data.yaml.
func (s Sections) YAML() (string, error) { return dump(s) }

// Digests are the SHA-256 digests, in lower-case hex, of the sections that are
// there, under the names that the runtime's attestation record has them
// (https://cloud.ibm.com/docs/vpc?topic=vpc-about-attestation).
func (s Sections) Digests() map[string]string {
	digests := map[string]string{}
	for name, value := range map[string]string{
		RecordWorkload: s.Workload, RecordEnv: s.Env, RecordAttestationPublicKey: s.AttestationPublicKey,
	} {
		if value != "" {
			digest := sha256.Sum256([]byte(value))
			digests[name] = hex.EncodeToString(digest[:])
		}
	}
	return digests
}

// Encrypt encrypts every section to the platform.
func (s Sections) Encrypt(platform Platform, certificate Certificate) (Sections, error) {
	for name, section := range map[string]*string{
		"workload": &s.Workload, "env": &s.Env, "attestationPublicKey": &s.AttestationPublicKey,
	} {
		if *section == "" {
			continue
		}
		sealed, err := EncryptSection(platform, certificate, *section)
		if err != nil {
			return Sections{}, fmt.Errorf("%s: %w", name, err)
		}
		*section = sealed
	}
	return s, nil
}

// EncryptSection encrypts one section to the platform. One that is encrypted
// already stays as it is; it must be for the same platform.
func EncryptSection(platform Platform, certificate Certificate, section string) (string, error) {
	if _, err := parseToken(section); err == nil {
		return section, CheckToken(platform, section)
	}
	sealed, err := encrypt(platform, certificate.key, section)
	if err != nil {
		return "", fmt.Errorf("encrypt section: %w", err)
	}
	return sealed, nil
}

// CheckToken makes sure that a section is encrypted, and in the form of the
// platform. To whom, only the platform can determine.
func CheckToken(platform Platform, section string) error {
	t, err := parseToken(section)
	if err != nil {
		return err
	}
	if t.prefix != platform.prefix() {
		return advice.New(fmt.Errorf("the section begins with %s, and %s takes %s", t.prefix, platform, platform.prefix()), "have the section encrypted for this platform")
	}
	return nil
}

// Sign adds the signature over workload and env as they are now (RSA, PKCS #1
// v1.5, SHA-256). The env must name the public half of the key already.
func (s Sections) Sign(key *rsa.PrivateKey) (Sections, error) {
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, s.signed())
	if err != nil {
		return Sections{}, fmt.Errorf("sign contract: %w", err)
	}
	s.Signature = base64.StdEncoding.EncodeToString(signature)
	return s, nil
}

// Verify returns an error that wraps ErrSignature unless key signed this
// workload and this env.
func (s Sections) Verify(key *rsa.PublicKey) error {
	signature, err := base64.StdEncoding.DecodeString(s.Signature)
	if err != nil || rsa.VerifyPKCS1v15(key, crypto.SHA256, s.signed(), signature) != nil {
		return fmt.Errorf("verify contract: %w", ErrSignature)
	}
	return nil
}

// signed is the digest of what is signed: both values, nothing between them.
func (s Sections) signed() []byte {
	digest := sha256.Sum256([]byte(s.Workload + s.Env))
	return digest[:]
}

func dump(value any) (string, error) {
	text, err := yaml.Dump(value)
	if err != nil {
		return "", fmt.Errorf("write YAML: %w", err)
	}
	return string(text), nil
}

// position is a YAML error without the text that the library quotes: it may be
// a secret.
func position(err error) error { return positionFrom(err, 0) }

// positionFrom is position for a text that begins after a line.
func positionFrom(err error, offset int) error {
	line := 0
	var errs *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case errors.As(err, &errs) && len(errs.Errors) > 0:
		line = errs.Errors[0].Mark.Line
	case errors.As(err, &one):
		line = one.Mark.Line
	}
	if line == 0 {
		return errors.New("it is not a single YAML document")
	}
	return fmt.Errorf("line %d: not YAML (indentation, a tab, a quote that is not closed), or a name given twice", line+offset)
}
