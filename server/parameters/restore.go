package parameters

import (
	"encoding/json"
	"errors"
	"io/fs"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/server/volume"
)

// Names under which parameters are sealed, in their wire form. Both stay on the
// volume.
const (
	sealedName   = "parameters"          // given by init or update
	importedName = "imported-parameters" // without passwords; not used once the other exists
)

// Sealed declares the names that this package seals.
func Sealed() []stateimage.Sealed {
	return []stateimage.Sealed{{Name: sealedName}, {Name: importedName}}
}

// isSealed reports whether err means that a sealed file does not open.
func isSealed(err error) bool {
	var sealed *volume.SealedError
	return errors.As(err, &sealed)
}

// restore reads the sealed parameters.
func (s *Store) restore() state {
	sealed, err := s.secrets.Get(sealedName)
	if errors.Is(err, fs.ErrNotExist) {
		return s.restoreImported()
	}
	if err != nil {
		return state{damaged: err}
	}
	restored, err := api.ParseParameters(sealed)
	if err != nil {
		return refused(sealed, err)
	}
	return state{parameters: &restored}
}

// restoreImported reads the parameters of an imported state. They lack required
// values, so they are decoded only.
func (s *Store) restoreImported() state {
	sealed, err := s.secrets.Get(importedName)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}
	}
	if err != nil {
		return state{damaged: err}
	}
	var restored api.Parameters
	if err := json.Unmarshal(sealed, &restored); err != nil {
		failed := refused(sealed, err)
		failed.incomplete = true
		return failed
	}
	return state{parameters: &restored, incomplete: true}
}

// refused returns the state of a server whose parameters were accepted by an earlier
// version with fewer rules: they can be replaced by a request with their Secret, and
// nothing is built with them. Any other cause means that they are damaged.
func refused(sealed []byte, cause error) state {
	var parameter *api.ParameterError
	if !errors.As(cause, &parameter) {
		return state{damaged: cause}
	}
	var known struct{ Secret api.Secret }
	if err := json.Unmarshal(sealed, &known); err != nil || known.Secret == "" {
		return state{damaged: cause}
	}
	return state{
		parameters: &api.Parameters{Secret: known.Secret},
		refused: &api.ParameterError{
			Key:     parameter.Key,
			Problem: parameter.Problem + " (an earlier version of this server accepted it: correct it, and run update)",
			Takes:   parameter.Takes,
		},
	}
}
