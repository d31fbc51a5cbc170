package verify

// The trust file: all that an auditor needs of a server.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/distribution/reference"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/strictjson"
	"github.com/opensbs/sbs/signature/notary"
)

const (
	trustVersion = 1
	maxTrust     = 4 << 20 // bytes of a trust file
)

// Trust is a trust file: the public keys of one server for one repository, and the
// expected source and builder of its images. Everything that has a key here is
// required of an image.
type Trust struct {
	Version    int    `json:"version"`    // of this form: 1
	Repository string `json:"repository"` // host[:port]/namespace/name
	// Mirrors are repositories whose images are verified as copies of Repository's.
	Mirrors []string `json:"mirrors,omitempty"`
	// Source is the Git repository as GITHUB_URL has it; empty: any.
	Source string `json:"source,omitempty"`
	// SourceAnchors is AnchorsNone where the developer must not have given a
	// key or CA of the git host; empty: the report names them.
	SourceAnchors string `json:"source_anchors,omitempty"`
	// Builder is the builder id that provenance must have; empty: any.
	Builder string `json:"builder,omitempty"`
	// Signatures are the keys of the signing methods of images.
	Signatures []Key `json:"signatures,omitempty"`
	// Notary is the notary server for the method dct, with the CA certificates
	// (PEM) for it where they are not the system's.
	Notary   string `json:"notary,omitempty"`
	NotaryCA string `json:"notary_ca,omitempty"`
	// Attestations is the key of provenance and SBOM, and Published
	// which of them are in the registry: api.Attestation*.
	Attestations *Key     `json:"attestations,omitempty"`
	Published    []string `json:"published,omitempty"`
	// Manifest is the key of manifests.
	Manifest *Key `json:"manifest,omitempty"`
}

// ParseTrust reads a trust file. A member that it does not know is an error: it
// could be one that requires something.
func ParseTrust(text []byte) (Trust, error) {
	t, err := parseTrust(text)
	if err != nil {
		return Trust{}, advice.Coded(fmt.Errorf("read the trust file: %w", err), TrustFileUnreadable)
	}
	return t, nil
}

func parseTrust(text []byte) (t Trust, err error) {
	if len(text) > maxTrust {
		return Trust{}, fmt.Errorf("it is longer than %d bytes", maxTrust)
	}
	if err := public.Check(text); err != nil {
		return Trust{}, fmt.Errorf("it %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return Trust{}, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Trust{}, errors.New("something comes after it")
	}
	if err := (strictjson.Rules{}).Check(text); err != nil {
		return Trust{}, err
	}
	return t, t.Check()
}

// Encode is the trust file.
func (t Trust) Encode() ([]byte, error) {
	t.Version = trustVersion
	if err := t.Check(); err != nil {
		return nil, fmt.Errorf("write the trust file: %w", err)
	}
	text, err := json.MarshalIndent(t, "", "    ")
	if err != nil {
		return nil, fmt.Errorf("write the trust file: %w", err)
	}
	if err := public.Check(text); err != nil {
		return nil, fmt.Errorf("write the trust file: it %w", err)
	}
	return append(text, '\n'), nil
}

// Check returns why t can't be used: among others because it requires nothing, so
// that every image would pass.
func (t Trust) Check() error {
	repositories := checkRepositories(append([]string{t.Repository}, t.Mirrors...))
	switch {
	case t.Version != trustVersion:
		return fmt.Errorf("its version is %d; this program knows version %d", t.Version, trustVersion)
	case repositories != nil:
		return repositories
	case len(t.Signatures) == 0 && t.Attestations == nil && t.Manifest == nil:
		return errors.New("it has no key, so that nothing could be checked")
	case t.SourceAnchors != "" && t.SourceAnchors != AnchorsNone:
		return fmt.Errorf("its source_anchors are %.100q, and can be only %q", t.SourceAnchors, AnchorsNone)
	case t.SourceAnchors != "" && t.Attestations == nil:
		return errors.New("it has source_anchors, but no key of attestations, which name them")
	case t.NotaryCA != "" && public.Certificates([]byte(t.NotaryCA)) != nil:
		return fmt.Errorf("its notary_ca %w", public.Certificates([]byte(t.NotaryCA)))
	case t.Attestations == nil && len(t.Published) > 0:
		return errors.New("it expects attestations, but has no key for them")
	}
	return t.checkKeys()
}

func (t Trust) checkKeys() error {
	var methods []string
	keys := slices.Clone(t.Signatures)
	for _, key := range t.Signatures {
		if key.Method == "" || slices.Contains(methods, key.Method) {
			return fmt.Errorf("among its signatures the method %q is missing, or there twice", key.Method)
		}
		methods = append(methods, key.Method)
	}
	for _, key := range []*Key{t.Attestations, t.Manifest} {
		if key != nil {
			keys = append(keys, Key{ID: key.ID, Key: key.Key})
		}
	}
	for _, key := range keys {
		id, err := keyID(key.Method, key.Key)
		if err != nil {
			return fmt.Errorf("key %.100q: %w", key.ID, err)
		}
		if id != key.ID {
			return fmt.Errorf("the key that is called %.100s is the key %s", key.ID, id)
		}
	}
	for _, name := range t.Published {
		if name != api.AttestationProvenance && name != api.AttestationSBOM {
			return fmt.Errorf("%.100q is no attestation", name)
		}
	}
	if !slices.Contains(methods, api.SigningDCT) {
		return nil
	}
	if err := notary.CheckServer(t.Notary); err != nil {
		return fmt.Errorf("notary server %.200q: %w", t.Notary, err)
	}
	return nil
}

// checkRepositories checks the repository of a trust file and its mirrors, which
// must all differ.
func checkRepositories(names []string) error {
	for i, name := range names {
		named, err := reference.ParseNormalizedNamed(name)
		if err != nil || named.Name() != name {
			return fmt.Errorf("its repository or mirror %.200q is not host/namespace/name", name)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("it names the repository or mirror %s twice", name)
		}
	}
	return nil
}
