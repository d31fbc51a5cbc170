package dct

// What the server says, before we add to it and after.

import (
	"encoding/hex"
	"errors"
	"strings"

	"github.com/opensbs/sbs/server/trust"
	"github.com/theupdateframework/notary/client"
	"github.com/theupdateframework/notary/trustmanager"
	"github.com/theupdateframework/notary/tuf"
	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/utils"
)

// releases is the delegation verifiers read before the targets role.
const releases data.RoleName = "targets/releases"

// maxFound bounds how many foreign keys an error names.
const maxFound = 4

// check verifies the server's trust data down from our root and against what
// is remembered, and answers the root key and the role to sign in.
func (r *repository) check(known record, published []rootKey, tags []string) (rootKey, data.RoleName, error) {
	root, ours, err := known.pin(published, r.owns)
	if err != nil {
		return rootKey{}, "", err
	}
	if !ours {
		foreign := &ForeignRootError{}
		if known.binds() {
			foreign.Known = known.RootKeyID
		}
		for _, key := range published[:min(len(published), maxFound)] {
			foreign.Found = append(foreign.Found, key.id)
		}
		return rootKey{}, "", foreign
	}
	loaded, err := r.load(root)
	if err != nil {
		return rootKey{}, "", err
	}
	now, err := versionsOf(loaded)
	if err != nil {
		return rootKey{}, "", err
	}
	if role, seen, got := known.wentBack(now); role != "" {
		return rootKey{}, "", &RolledBackError{Role: role, Seen: seen, Got: got}
	}
	role, err := r.signableRole(loaded, tags)
	return root, role, err
}

// load verifies the server's trust data down from the pinned root.
func (r *repository) load(root rootKey) (*tuf.Repo, error) {
	loaded, _, err := client.LoadTUFRepo(client.TUFLoadOptions{
		GUN:                    r.gun,
		TrustPinning:           r.pinned(root),
		CryptoService:          r.crypto,
		Cache:                  r.cache,
		RemoteStore:            r.remote,
		AlwaysCheckInitialized: true,
	})
	return loaded, err
}

// signableRole is docker's rule: the releases delegation if there is one that
// we can sign and that takes the tags, otherwise the targets role.
func (r *repository) signableRole(loaded *tuf.Repo, tags []string) (data.RoleName, error) {
	delegation, err := loaded.GetDelegationRole(releases)
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
		return releases, nil
	}
	return data.CanonicalTargetsRole, nil
}

// readBack fetches what was published and reads it as a verifier does.
func (r *repository) readBack(root rootKey, image trust.Image) (versions, error) {
	loaded, err := r.load(root)
	if err != nil {
		return versions{}, err
	}
	reader := client.NewReadOnly(loaded)
	for _, tag := range image.Tags {
		target, err := reader.GetTargetByName(tag, releases, data.CanonicalTargetsRole)
		if missing := client.ErrNoSuchTarget(""); errors.As(err, &missing) {
			return versions{}, &ShadowedError{Tag: tag}
		}
		if err != nil {
			return versions{}, err
		}
		if hex.EncodeToString(target.Hashes["sha256"]) != strings.TrimPrefix(image.Digest, "sha256:") {
			return versions{}, &ShadowedError{Tag: tag, Role: target.Role.String()}
		}
	}
	return versionsOf(loaded)
}

// versionsOf answers the versions of loaded trust data; a snapshot without a
// targets file is the one gap the library leaves open.
func versionsOf(loaded *tuf.Repo) (versions, error) {
	targets, ok := loaded.Targets[data.CanonicalTargetsRole]
	if !ok {
		return versions{}, errors.New("the trust data has no targets file")
	}
	return versions{
		Root:      loaded.Root.Signed.Version,
		Targets:   targets.Signed.Version,
		Snapshot:  loaded.Snapshot.Signed.Version,
		Timestamp: loaded.Timestamp.Signed.Version,
	}, nil
}
