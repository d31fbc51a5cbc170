package dct

// The trust data of one GUN on one server:
//
//	load → (initialize | check) → publish → read back → save
//
// Prepare publishes only where there was nothing, and signs no tag.
//
// Each arrow is a point where a crash leaves something the next Sign goes on from:
// keys are sealed before they are used, and published trust data that is without a
// stored state is recognized by our root key.

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature/notary"
	"github.com/theupdateframework/notary/client"
	"github.com/theupdateframework/notary/client/changelist"
	"github.com/theupdateframework/notary/storage"
	"github.com/theupdateframework/notary/trustpinning"
	"github.com/theupdateframework/notary/tuf/data"
)

// repository is the trust data of one GUN during one Sign. Its cache is in
// memory and starts empty: what is believed comes from the sealed store.
type repository struct {
	*notary.Repository
	cache    *storage.MemoryStore
	keys     *keyStore
	crypto   cryptoService
	states   stateStore
	progress io.Writer
}

func newRepository(opened *notary.Repository, keys *keyStore, progress io.Writer) *repository {
	return &repository{
		Repository: opened,
		cache:      storage.NewMemoryStore(nil),
		keys:       keys,
		crypto:     newCryptoService(keys),
		states:     stateStore{keys.keys, notary.Name(opened.Address), opened.GUN.String()},
		progress:   progress,
	}
}

// sign is the whole of it; see the diagram at the top of the file.
func (r *repository) sign(image signing.Image) (signing.PublicKey, error) {
	root, role, _, err := r.open(image)
	if err != nil {
		return signing.PublicKey{}, err
	}
	if err := r.publish(root, role, image); err != nil {
		return signing.PublicKey{}, err
	}
	key, err := r.finish(root, image)
	if err != nil {
		return signing.PublicKey{}, err
	}
	return key, r.log("signed %s: %s\n", strings.Join(image.Tags, ", "), image.Digest)
}

// prepare publishes trust data without tags, where there is none.
func (r *repository) prepare(image signing.Image) (signing.PublicKey, error) {
	root, role, isNew, err := r.open(image)
	if err != nil {
		return signing.PublicKey{}, err
	}
	if !isNew {
		return publicKey(root), nil
	}
	image.Tags = nil
	if err := r.publish(root, role, image); err != nil {
		return signing.PublicKey{}, err
	}
	return r.finish(root, image)
}

// open looks at the trust data and checks it, or makes it, in memory.
func (r *repository) open(image signing.Image) (root notary.RootKey, role data.RoleName, isNew bool, err error) {
	state, err := r.states.load()
	if err != nil {
		return root, role, false, err
	}
	published, err := r.Roots()
	if err != nil {
		return root, role, false, err
	}
	if published == nil {
		root, err = r.initialise(state)
		return root, data.CanonicalTargetsRole, true, err
	}
	root, role, err = r.check(state, published, image.Tags)
	return root, role, false, err
}

// finish reads back what was published, and saves its state.
func (r *repository) finish(root notary.RootKey, image signing.Image) (signing.PublicKey, error) {
	seen, err := r.readBack(root, image)
	if err != nil {
		return signing.PublicKey{}, err
	}
	return publicKey(root), r.states.save(rollbackState{RootKeyID: root.ID, Highest: seen})
}

func publicKey(root notary.RootKey) signing.PublicKey {
	return signing.PublicKey{
		Method: api.SigningDCT,
		ID:     root.ID,
		Key:    base64.StdEncoding.EncodeToString(root.Public),
	}
}

// initialise makes the keys and the first trust data, in memory.
func (r *repository) initialise(state rollbackState) (notary.RootKey, error) {
	if state.binds() {
		return notary.RootKey{}, &LostError{}
	}
	if err := r.log("starting the trust data of %s at %s\n", r.GUN, r.states.server); err != nil {
		return notary.RootKey{}, err
	}
	key, err := r.crypto.Create(data.CanonicalRootRole, "", data.ECDSAKey)
	if err != nil {
		return notary.RootKey{}, err
	}
	// Nothing to pin yet: what is trusted first is what is made here.
	session, err := r.session(trustpinning.TrustPinConfig{})
	if err != nil {
		return notary.RootKey{}, err
	}
	if err := session.Initialize([]string{key.ID()}); err != nil {
		if missing := (storage.ErrMetaNotFound{}); errors.As(err, &missing) {
			return notary.RootKey{}, fmt.Errorf("there is no notary server, for it offers no timestamp key: check DOCKER_CONTENT_TRUST_PUSH_SERVER: %w", err)
		}
		return notary.RootKey{}, err
	}
	raw, err := r.cache.GetSized(data.CanonicalRootRole.String(), storage.NoSizeLimit)
	if err != nil {
		return notary.RootKey{}, err
	}
	made, err := notary.ParseRoot(raw)
	if err != nil {
		return notary.RootKey{}, err
	}
	if len(made) != 1 {
		return notary.RootKey{}, fmt.Errorf("the new root.json names %d root keys", len(made))
	}
	return made[0], nil
}

// publish signs all tags and sends them in one request: all or none.
func (r *repository) publish(root notary.RootKey, role data.RoleName, image signing.Image) error {
	hash, err := hex.DecodeString(strings.TrimPrefix(image.Digest, "sha256:"))
	if err != nil {
		return err
	}
	session, err := r.session(r.Pinned(root.ID))
	if err != nil {
		return err
	}
	for _, tag := range image.Tags {
		target := &client.Target{Name: tag, Hashes: data.Hashes{"sha256": hash}, Length: image.Size}
		if err := session.AddTarget(target, role); err != nil {
			return fmt.Errorf("sign tag %s: %w", tag, err)
		}
	}
	return session.Publish()
}

func (r *repository) session(pin trustpinning.TrustPinConfig) (client.Repository, error) {
	return client.NewRepository(r.GUN, r.Address.String(), r.Remote, r.cache, pin, r.crypto, changelist.NewMemChangelist())
}

func (r *repository) log(format string, args ...any) error {
	if _, err := fmt.Fprintf(r.progress, format, args...); err != nil {
		return fmt.Errorf("write to the log: %w", err)
	}
	return nil
}
