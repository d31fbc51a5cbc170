package publisher

// The vendor's keys and its OpenPGP signer.

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

// store holds the vendor's keys in memory.
type store map[string][]byte

func (s store) Get(name string) ([]byte, error) {
	if key, exists := s[name]; exists {
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

// signSimple signs with a new OpenPGP key: an Ed25519 key, because generating RSA
// 4096 as the server's own signer does takes seconds.
func signSimple(ctx context.Context, request signing.Request, _ io.Writer) (signing.PublicKey, error) {
	entity, err := openpgp.NewEntity("Vendor of base images", "local stack", "", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		return signing.PublicKey{}, fmt.Errorf("generate an OpenPGP key: %w", err)
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
