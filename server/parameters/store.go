package parameters

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

// Reasons for which there are no parameters, or they are not replaced. Each text is
// for the user and names the remedy.
var (
	ErrNotInitialised = errors.New("the server has no parameters yet: run init first")
	ErrIncomplete     = errors.New("a state was imported, but it holds no passwords: run update first, so that the server knows them")
	ErrWrongSecret    = errors.New("SECRET is not the one this server was initialised with: use the sbs-config.json of that time, or change the secret with update --new-secret")
)

// Secrets stores sealed texts by name. volume.Secrets implements it.
type Secrets interface {
	Get(name string) ([]byte, error)
	Put(name string, secret []byte) error
}

// Slot reports whether a build runs. *job.Slot implements it.
type Slot interface {
	State() job.State
}

// Store owns the parameters. It is safe for concurrent use.
type Store struct {
	secrets Secrets
	slot    Slot

	mu   sync.Mutex
	held state
}

// state is the state of the parameters in a Store.
type state struct {
	parameters *api.Parameters // nil before init
	incomplete bool            // they were imported, without passwords
	// refused is the error of parameters that an earlier version accepted and this
	// one does not. Only their Secret is known.
	refused error
	damaged error // the sealed parameters can't be read
}

// Open returns a Store of the parameters that are sealed in secrets. It also does so
// when they can't be unsealed: every use returns that error until the file is
// restored from a backup or removed.
func Open(secrets Secrets, slot Slot) (*Store, error) {
	s := &Store{secrets: secrets, slot: slot}
	s.held = s.restore()
	if err := s.held.damaged; err != nil && !isSealed(err) {
		return nil, fmt.Errorf("restore parameters: %w", err)
	}
	return s, nil
}

// Current returns a copy of the parameters. The error is ErrNotInitialised, ErrIncomplete
// (with the parameters that are known), an *api.ParameterError when an earlier
// version accepted them and this one does not, or the error of unsealing them.
func (s *Store) Current() (api.Parameters, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current()
}

func (s *Store) current() (api.Parameters, error) {
	if s.held.damaged != nil {
		s.held = s.restore()
	}
	switch held := s.held; {
	case held.damaged != nil:
		return api.Parameters{}, held.damaged
	case held.parameters == nil:
		return api.Parameters{}, ErrNotInitialised
	case held.refused != nil:
		return api.Parameters{}, held.refused
	case held.incomplete:
		return held.parameters.Clone(), ErrIncomplete
	}
	return s.held.parameters.Clone(), nil
}

// Use calls use with the parameters, which do not change until it returns.
func (s *Store) Use(use func(api.Parameters) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	parameters, err := s.current()
	if err != nil {
		return err
	}
	return use(parameters)
}

// UseIdle is like Use, and returns job.ErrBusy when a build runs. No build that
// begins within Use can begin until it returns.
func (s *Store) UseIdle(use func(api.Parameters) error) error {
	return s.Use(func(parameters api.Parameters) error {
		if s.slot.State().Running {
			return job.ErrBusy
		}
		return use(parameters)
	})
}

// Init stores parameters. They replace earlier ones that have the same Secret.
func (s *Store) Init(given api.Parameters) error {
	if given.NewSecret != "" {
		return &api.ParameterError{Key: "NEW_SECRET", Problem: "belongs to update, not to init"}
	}
	return s.replace(func(stored *api.Parameters) (api.Parameters, error) {
		if stored != nil && !same(stored.Secret, given.Secret) {
			return api.Parameters{}, ErrWrongSecret
		}
		return given, nil
	})
}

// Update replaces the parameters, and with NewSecret the Secret too. Secret must be
// the stored one.
func (s *Store) Update(given api.Parameters) error {
	return s.replace(func(stored *api.Parameters) (api.Parameters, error) {
		if stored == nil {
			return api.Parameters{}, ErrNotInitialised
		}
		return updated(stored.Secret, given)
	})
}

// updated returns given with the Secret that is valid after the update. A client
// that lost the response may repeat its request: NewSecret is the stored secret by
// then.
func updated(stored api.Secret, given api.Parameters) (api.Parameters, error) {
	repeated := given.NewSecret != "" && same(stored, given.NewSecret)
	if !same(stored, given.Secret) && !repeated {
		return api.Parameters{}, ErrWrongSecret
	}
	if given.NewSecret != "" {
		given.Secret = given.NewSecret
		given.NewSecret = ""
	}
	return given, nil
}

// replace stores the parameters that next returns for the stored ones, which are nil
// before init: durably first, visibly second.
func (s *Store) replace(next func(stored *api.Parameters) (api.Parameters, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slot.State().Running {
		return job.ErrBusy
	}
	// Parameters that can't be unsealed are not overwritten.
	if _, err := s.current(); s.held.damaged != nil {
		return err
	}
	changed, err := next(s.held.parameters)
	if err != nil {
		return err
	}
	text, err := json.Marshal(changed)
	if err != nil {
		return fmt.Errorf("seal parameters: %w", err)
	}
	if err := s.secrets.Put(sealedName, text); err != nil {
		return fmt.Errorf("seal parameters: %w", err)
	}
	changed = changed.Clone() // the caller has the original
	s.held = state{parameters: &changed}
	return nil
}

// same compares secrets in constant time.
func same(a, b api.Secret) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
