package verify

// The public keys of a trust file.

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/dct"
	"github.com/opensbs/sbs/signature/simple"
)

// Key is one public key.
type Key struct {
	// Method is the signing method, one of api.Signing*; only in Signatures.
	Method string `json:"method,omitempty"`
	// ID is what people compare. It is computed from the key: an OpenPGP
	// fingerprint for simple, the id in root.json for dct, and else the hex
	// SHA-256 of the key's DER (SubjectPublicKeyInfo).
	ID string `json:"id"`
	// Key is the key's text: base64 of a PEM certificate for dct, an armoured
	// OpenPGP key for simple, and else PEM SubjectPublicKeyInfo.
	Key string `json:"key"`
}

// NewKey computes the id of a key. method is empty for the keys of manifests
// and attestations.
func NewKey(method, text string) (Key, error) {
	id, err := keyID(method, text)
	return Key{method, id, text}, err
}

func keyID(method, text string) (string, error) {
	switch method {
	case api.SigningDCT:
		root, err := dct.ParseRoot(text)
		if err == nil && root.IsZero() {
			err = errors.New("there is none")
		}
		return root.String(), err
	case api.SigningSimple:
		key, err := simple.ParseKey([]byte(text))
		if err != nil {
			return "", err
		}
		return key.ID(), nil
	case api.SigningSigstore, api.SigningSigstoreLegacy, "":
		key, err := bundle.ParseKey([]byte(text))
		if err != nil {
			return "", err
		}
		return key.ID(), nil
	}
	return "", fmt.Errorf("%.50q is no signing method", method)
}

// Uses of a key besides the signing methods.
const (
	UseAttestations = "attestations"
	UseManifest     = "manifest"
)

// NewTrust returns a trust file for the images of a repository, to which AddKey
// adds the keys.
func NewTrust(repository string) Trust { return Trust{Version: trustVersion, Repository: repository} }

// AddKey adds a public key to t: of a signing method, or UseAttestations or
// UseManifest. text is the content of a key file as sbs-cli writes it. With a key
// of attestations both kinds are expected in the registry.
func (t *Trust) AddKey(use, text string) error {
	switch use {
	case UseAttestations, UseManifest:
		key, err := NewKey("", text)
		if err != nil {
			return err
		}
		if use == UseManifest {
			t.Manifest = &key
			return nil
		}
		t.Attestations, t.Published = &key, []string{api.AttestationProvenance, api.AttestationSBOM}
		return nil
	case api.SigningSimple:
		text = armoured(text)
	}
	key, err := NewKey(use, text)
	if err != nil {
		return err
	}
	t.Signatures = append(t.Signatures, key)
	return nil
}

// armoured undoes the base64 in which a contract has an OpenPGP key.
func armoured(text string) string {
	if decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err == nil {
		return string(decoded)
	}
	return text
}

// hasKey reports whether t has the key of a part: of a signing method, or
// PartManifest, PartProvenance or PartSBOM.
func (t Trust) hasKey(part string) bool {
	switch part {
	case PartManifest:
		return t.Manifest != nil
	case PartProvenance, PartSBOM:
		return t.Attestations != nil
	}
	return t.signature(part) != nil
}

// signature returns the key of a signing method, or nil.
func (t Trust) signature(method string) *Key {
	i := slices.IndexFunc(t.Signatures, func(k Key) bool { return k.Method == method })
	if i < 0 {
		return nil
	}
	return &t.Signatures[i]
}
