package publisher

// The vendor's keys.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/signature/registry"
	"github.com/opensbs/sbs/signature/simple"
)

// store keeps keys for as long as the vendor is started.
type store map[string][]byte

func (s store) Get(name string) ([]byte, error) {
	if key, there := s[name]; there {
		return key, nil
	}
	return nil, fmt.Errorf("entry %s: %w", name, fs.ErrNotExist)
}

func (s store) Put(name string, key []byte) error {
	s[name] = slices.Clone(key)
	return nil
}

func (s store) List(prefix string) ([]string, error) {
	var names []string
	for name := range s {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// signSimple signs with an OpenPGP key that it makes: an Ed25519 key, which is
// there at once, where the server's own signer takes seconds for RSA 4096.
func signSimple(ctx context.Context, request signing.Request, _ io.Writer) (signing.PublicKey, error) {
	entity, err := openpgp.NewEntity("Vendor of base images", "local stack", "", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		return signing.PublicKey{}, fmt.Errorf("make an OpenPGP key: %w", err)
	}
	var public bytes.Buffer
	text, err := armor.Encode(&public, openpgp.PublicKeyType, nil)
	if err != nil {
		return signing.PublicKey{}, fmt.Errorf("write the OpenPGP key: %w", err)
	}
	if err := errors.Join(entity.Serialize(text), text.Close()); err != nil {
		return signing.PublicKey{}, fmt.Errorf("write the OpenPGP key: %w", err)
	}
	claim := simple.Claim{Reference: request.Image.Repository + ":" + tag, Digest: request.Image.Digest}
	content, err := claim.Encode("vendor", time.Now())
	if err != nil {
		return signing.PublicKey{}, err
	}
	message, err := simple.Sign(entity, content, time.Now)
	if err != nil {
		return signing.PublicKey{}, err
	}
	repository, err := registry.Open(ctx, request.Image.Repository, request.Access(), registry.Push)
	if err != nil {
		return signing.PublicKey{}, err
	}
	defer repository.Close()
	key := signing.PublicKey{Method: api.SigningSimple, ID: simple.NewKey(entity).ID(), Key: public.String() + "\n"}
	return key, repository.AddSignature(ctx, request.Image.Digest, message)
}
