package dct

// The verifier: from a name to a digest that was signed for it:
//
//	saved state → roots → root → trust data → versions → target → save state

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/theupdateframework/notary/client"
	"github.com/theupdateframework/notary/cryptoservice"
	"github.com/theupdateframework/notary/storage"
	"github.com/theupdateframework/notary/trustpinning"
	"github.com/theupdateframework/notary/tuf"
	"github.com/theupdateframework/notary/tuf/data"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/notary"
)

const (
	verifyLimit = 2 * time.Minute // for one Verify with all its requests
	maxFound    = 4               // foreign keys that an error names
)

// Verifier verifies images by the trust data on one notary server. It is safe for concurrent
// use.
type Verifier struct {
	// Server is the notary server: https://host[:port] or host[:port]; http://
	// is taken for loopback only. The Access of a request is for it.
	Server string
	// Root is the required root key. Zero: the one in the rollback state, or the
	// first that is seen, which needs States.
	Root Root
	// States stores rollback states. Nil: old trust data is not detected.
	States StateStore
}

// Verify resolves the image. The error is a *signature.Error with one of that
// package's reasons in it, or the cause for which ctx ended.
func (v Verifier) Verify(ctx context.Context, request signature.Request) (signature.Verified, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, verifyLimit, errors.New("not done after "+verifyLimit.String()))
	defer cancel()
	verified, err := v.verify(ctx, request)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return signature.Verified{}, &signature.Error{Image: request.Reference, Method: api.SigningDCT, Err: err}
	}
	return verified, nil
}

func (v Verifier) verify(ctx context.Context, request signature.Request) (signature.Verified, error) {
	if err := request.Validate(); err != nil {
		return signature.Verified{}, err
	}
	if v.Root.IsZero() && v.States == nil {
		return signature.Verified{}, errors.New("neither a root key nor a store of rollback states was given")
	}
	address, err := notary.ParseServer(v.Server)
	if err != nil {
		return signature.Verified{}, err
	}
	verified, err := v.resolve(ctx, address, request)
	return verified, notary.Explain(notary.Name(address), err)
}

// resolve is the whole of it; see the diagram at the top of the file.
func (v Verifier) resolve(ctx context.Context, address *url.URL, request signature.Request) (signature.Verified, error) {
	asked := request.Name() // a copy of the image elsewhere has no trust data of its own
	state, err := load(v.States, notary.Name(address), asked.Repository)
	if err != nil {
		return signature.Verified{}, err
	}
	repository, err := notary.Open(ctx, address, asked.Repository, request.Access, "pull")
	if err != nil {
		return signature.Verified{}, err
	}
	defer repository.Close()
	published, err := repository.Roots()
	if err != nil {
		return signature.Verified{}, err
	}
	if published == nil {
		return signature.Verified{}, &signature.UnsignedError{Where: "the notary server " + notary.Name(address)}
	}
	root, err := v.choose(state, published)
	if err != nil {
		return signature.Verified{}, err
	}
	loaded, err := repository.Load(repository.Pinned(root.ID), storage.NewMemoryStore(nil), cryptoservice.EmptyService)
	if other := new(trustpinning.ErrValidationFail); errors.As(err, other) {
		return signature.Verified{}, &signature.RootChangedError{Want: root.ID}
	}
	if err != nil {
		return signature.Verified{}, err
	}
	seen, err := check(state, root, loaded)
	if err != nil {
		return signature.Verified{}, err
	}
	digest, err := target(loaded, asked, notary.Name(address))
	if err != nil {
		return signature.Verified{}, err
	}
	if err := save(v.States, rollbackState{Server: notary.Name(address), GUN: asked.Repository, RootKeyID: root.ID, Highest: seen}); err != nil {
		return signature.Verified{}, err
	}
	return signature.Verified{Reference: request.Reference, Digest: digest, Method: api.SigningDCT, KeyID: root.ID}, nil
}

// choose returns the root to trust: the required one, the one seen before, or
// on first sight the one that is there.
func (v Verifier) choose(state rollbackState, published []notary.RootKey) (notary.RootKey, error) {
	want := v.Root
	if want.IsZero() {
		want = Root{id: state.RootKeyID}
	}
	if want.IsZero() {
		if len(published) != 1 {
			return notary.RootKey{}, fmt.Errorf("its trust data names %d root keys: require one of them", len(published))
		}
		return published[0], nil
	}
	if root, there := want.among(published); there {
		return root, nil
	}
	refused := &signature.RootChangedError{Want: want.String()}
	for _, key := range published[:min(len(published), maxFound)] {
		refused.Found = append(refused.Found, key.ID)
	}
	return notary.RootKey{}, refused
}

// check refuses trust data that is older than what was seen under the same root.
func check(state rollbackState, root notary.RootKey, loaded *tuf.Repo) (notary.Versions, error) {
	now, err := notary.VersionsOf(loaded)
	if err != nil || state.RootKeyID != root.ID {
		return now, err
	}
	if back := state.Highest.WentBack(now); back != nil {
		return now, back
	}
	return now, nil
}

// target returns the digest that was signed for the reference, and the role.
func target(loaded *tuf.Repo, asked signature.Reference, where string) (string, error) {
	reader := client.NewReadOnly(loaded)
	if asked.Tag == "" {
		return signedDigest(reader, asked.Digest)
	}
	found, err := reader.GetTargetByName(asked.Tag, notary.Releases, data.CanonicalTargetsRole)
	if missing := client.ErrNoSuchTarget(""); errors.As(err, &missing) || err == nil && !counts(found.Role) {
		return "", &signature.UnsignedError{Where: "the notary server " + where}
	}
	if err != nil {
		return "", err
	}
	digest, err := digestOf(found.Hashes)
	if err != nil {
		return "", err
	}
	if asked.Digest != "" && asked.Digest != digest {
		return "", &signature.OtherDigestError{Signed: asked.Digest, Found: digest}
	}
	return digest, nil
}

// signedDigest requires that one of the signed tags has the digest.
func signedDigest(reader client.ReadOnly, digest string) (string, error) {
	targets, err := reader.ListTargets(notary.Releases, data.CanonicalTargetsRole)
	if err != nil {
		return "", err
	}
	for _, one := range targets {
		if found, err := digestOf(one.Hashes); err == nil && counts(one.Role) && found == digest {
			return digest, nil
		}
	}
	return "", &signature.OtherDigestError{Found: digest}
}

// counts is docker's rule: what other delegations sign binds nobody.
func counts(role data.RoleName) bool {
	return role == notary.Releases || role == data.CanonicalTargetsRole
}

func digestOf(hashes data.Hashes) (string, error) {
	hash := hashes["sha256"]
	if len(hash) != 32 {
		return "", &signature.MalformedError{Err: errors.New("the tag was signed without a SHA-256 digest")}
	}
	return "sha256:" + strings.ToLower(hex.EncodeToString(hash)), nil
}
