package dct

// The trust data on the server, before we add to it and after.

import (
	"encoding/hex"
	"errors"
	"strings"

	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature/notary"
	"github.com/theupdateframework/notary/client"
	"github.com/theupdateframework/notary/trustmanager"
	"github.com/theupdateframework/notary/tuf"
	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/utils"
)

// maxFound bounds how many foreign keys an error names.
const maxFound = 4

// check verifies the server's trust data down from our root and against what is
// stored, and returns the root key and the role to sign in.
func (r *repository) check(state rollbackState, published []notary.RootKey, tags []string) (notary.RootKey, data.RoleName, error) {
	root, ours, err := state.pin(published, r.owns)
	if err != nil {
		return notary.RootKey{}, "", err
	}
	if !ours {
		foreign := &ForeignRootError{}
		if state.binds() {
			foreign.Known = state.RootKeyID
		}
		for _, key := range published[:min(len(published), maxFound)] {
			foreign.Found = append(foreign.Found, key.ID)
		}
		return notary.RootKey{}, "", foreign
	}
	loaded, err := r.load(root)
	if err != nil {
		return notary.RootKey{}, "", err
	}
	now, err := notary.VersionsOf(loaded)
	if err != nil {
		return notary.RootKey{}, "", err
	}
	if back := state.wentBack(now); back != nil {
		return notary.RootKey{}, "", back
	}
	role, err := r.signableRole(loaded, tags)
	return root, role, err
}

// load verifies the server's trust data down from the pinned root.
func (r *repository) load(root notary.RootKey) (*tuf.Repo, error) {
	return r.Load(r.Pinned(root.ID), r.cache, r.crypto)
}

// owns reports whether a root key's private half is in the key store.
func (r *repository) owns(canonical string) (bool, error) {
	_, role, err := r.keys.GetKey(canonical)
	if missing := (trustmanager.ErrKeyNotFound{}); errors.As(err, &missing) {
		return false, nil
	}
	return role == data.CanonicalRootRole, err
}

// signableRole is docker's rule: the releases delegation if there is one that
// we can sign and that takes the tags, otherwise the targets role.
func (r *repository) signableRole(loaded *tuf.Repo, tags []string) (data.RoleName, error) {
	delegation, err := loaded.GetDelegationRole(notary.Releases)
	if missing := (data.ErrInvalidRole{}); errors.As(err, &missing) {
		return data.CanonicalTargetsRole, nil
	}
	if err != nil {
		return "", err
	}
	for _, tag := range tags {
		if !delegation.CheckPaths(tag) {
			return data.CanonicalTargetsRole, nil
		}
	}
	for _, key := range delegation.Keys {
		canonical, err := utils.CanonicalKeyID(key)
		if err != nil {
			return "", err
		}
		_, _, err = r.keys.GetKey(canonical)
		if missing := (trustmanager.ErrKeyNotFound{}); errors.As(err, &missing) {
			continue
		}
		if err != nil {
			return "", err
		}
		return notary.Releases, nil
	}
	return data.CanonicalTargetsRole, nil
}

// readBack fetches what was published and reads it as a verifier does.
func (r *repository) readBack(root notary.RootKey, image signing.Image) (notary.Versions, error) {
	loaded, err := r.load(root)
	if err != nil {
		return notary.Versions{}, err
	}
	reader := client.NewReadOnly(loaded)
	for _, tag := range image.Tags {
		target, err := reader.GetTargetByName(tag, notary.Releases, data.CanonicalTargetsRole)
		if missing := client.ErrNoSuchTarget(""); errors.As(err, &missing) {
			return notary.Versions{}, &ShadowedError{Tag: tag}
		}
		if err != nil {
			return notary.Versions{}, err
		}
		if hex.EncodeToString(target.Hashes["sha256"]) != strings.TrimPrefix(image.Digest, "sha256:") {
			return notary.Versions{}, &ShadowedError{Tag: tag, Role: target.Role.String()}
		}
	}
	return notary.VersionsOf(loaded)
}
