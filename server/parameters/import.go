package parameters

import (
	"encoding/json"
	"fmt"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

// Imported is a state that was read and verified.
type Imported struct {
	Parameters json.RawMessage // of the state, without secrets, in their wire form
	// Commit durably stores the state together with the secrets given, by name: all
	// of it or nothing.
	Commit func(secrets map[string][]byte) error
}

// snapshot returns a copy of parameters that may be nil.
func snapshot(parameters *api.Parameters) *api.Parameters {
	if parameters == nil {
		return nil
	}
	clone := parameters.Clone()
	return &clone
}

// Import imports a state. The request must prove the Secret of this server, if it has
// one. read returns the state; it is called with the parameters of this server, or
// nil before init. Parameters that this server has keep precedence, unless they were
// imported too. While Import runs, no build begins and the parameters do not change.
func (s *Store) Import(secret api.Secret, read func(here *api.Parameters) (Imported, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slot.State().Running {
		return job.ErrBusy
	}
	if _, err := s.current(); s.held.damaged != nil || s.held.refused != nil {
		return err
	}
	here := s.held.parameters
	if here != nil && !same(here.Secret, secret) {
		return ErrWrongSecret
	}
	from, err := read(snapshot(here))
	if err != nil {
		return err
	}
	imported := new(api.Parameters)
	if err := json.Unmarshal(from.Parameters, imported); err != nil {
		return fmt.Errorf("import parameters: %w", err)
	}
	imported.Secret = secret
	if here != nil && !s.held.incomplete {
		return from.Commit(nil)
	}
	text, err := json.Marshal(imported)
	if err != nil {
		return fmt.Errorf("import parameters: %w", err)
	}
	if err := from.Commit(map[string][]byte{importedName: text}); err != nil {
		return err
	}
	s.held = state{parameters: imported, incomplete: true}
	return nil
}
