package stateimage

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// State holds what another server needs to continue the builds of a repository.
type State struct {
	// Generation counts exports, so that the later of two states can be determined.
	Generation uint64 `json:"generation"`
	// Repository is the image's: registry/namespace/name, without a tag.
	Repository string `json:"repository"`
	// BuildName is the latest build that succeeded.
	BuildName string    `json:"build_name"`
	Exported  time.Time `json:"exported"`
	// Parameters are the parameters that are not secret, in their wire form.
	Parameters json.RawMessage `json:"parameters"`
	// Secrets are the signing keys and the trust records, by the names under which
	// they are stored sealed on the volume.
	Secrets map[string][]byte `json:"secrets"`
	// Builds are the latest builds that succeeded, newest first.
	Builds []Build `json:"builds"`
}

// Build holds the record of an earlier build and the key that verifies its
// manifest.
type Build struct {
	ID        string          `json:"id"`
	Record    json.RawMessage `json:"record"`
	PublicKey string          `json:"public_key"` // PEM SubjectPublicKeyInfo
}

// Bounds of a state. MaxText is the longest image, in bytes of text.
const (
	MaxText   = 3 << 20
	maxBody   = MaxText/4*3 - headerSize
	maxItems  = 10_000
	maxOfName = 512
)

// check returns an error for a state that no server exports, even if it was
// authenticated.
func (s State) check() error {
	switch {
	case s.Repository == "" || s.BuildName == "" || len(s.Parameters) == 0:
		return errors.New("it names no repository, no build, or no parameters")
	case len(s.Secrets) == 0 || len(s.Secrets) > maxItems || len(s.Builds) > maxItems:
		return errors.New("it has no keys, or more than there can be")
	}
	for name, secret := range s.Secrets {
		if name == "" || len(name) > maxOfName || len(secret) == 0 {
			return fmt.Errorf("its key %.80q is empty or has no proper name", name)
		}
	}
	return nil
}
