package dct

// The root key that a caller requires.

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/theupdateframework/notary/tuf/utils"

	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/signature/notary"
)

const maxRoot = 64 << 10 // bytes of one key file

// Root is a root key. The zero value is none: the first that is seen is trusted.
type Root struct {
	id        string // in root.json, or of the bare key
	canonical string // of the bare key; empty where only an id is state
}

// ParseRoot reads what names a root key: its id (64 hex digits), as root.json or
// `docker trust inspect` has it; or the key, as a PEM certificate or public key,
// or as base64 of that, which is what root.json and a contract's images.dct
// hold. Nothing but white space is no key.
func ParseRoot(text string) (Root, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxRoot {
		return Root{}, fmt.Errorf("read the root key: it is longer than %d bytes", maxRoot)
	}
	if text == "" {
		return Root{}, nil
	}
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == 32 {
		return Root{id: strings.ToLower(text)}, nil
	}
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
		text = string(decoded)
	}
	if !strings.Contains(text, "-----BEGIN ") && public.Check([]byte(text)) == nil {
		return Root{}, errors.New("read the root key: it is neither a key id of 64 hex digits nor a PEM certificate or public key")
	}
	if _, err := public.PEM([]byte(text), public.TypeCertificate, public.TypeKey); err != nil {
		return Root{}, fmt.Errorf("read the root key: the text %w", err)
	}
	public, err := utils.ParsePEMPublicKey([]byte(text))
	if err != nil {
		return Root{}, fmt.Errorf("read the root key: %w", err)
	}
	canonical, err := utils.CanonicalKeyID(public)
	if err != nil {
		return Root{}, fmt.Errorf("read the root key: %w", err)
	}
	return Root{id: public.ID(), canonical: canonical}, nil
}

// IsZero reports whether no root is required.
func (r Root) IsZero() bool { return r == Root{} }

// String is the key's id.
func (r Root) String() string { return r.id }

// among returns the required root among those that a repository names.
func (r Root) among(published []notary.RootKey) (notary.RootKey, bool) {
	found := slices.IndexFunc(published, func(key notary.RootKey) bool {
		return key.ID == r.id || key.Canonical == r.id || r.canonical != "" && key.Canonical == r.canonical
	})
	if found < 0 {
		return notary.RootKey{}, false
	}
	return published[found], true
}
