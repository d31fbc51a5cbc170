package transfer

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/parameters"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/server/volume"
)

// DecodeSecret returns the bytes of a developer's SECRET.
func DecodeSecret(secret api.Secret) ([]byte, error) {
	decoded, err := base64.StdEncoding.DecodeString(string(secret))
	if err == nil && len(decoded) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("SECRET is not base64: %w", err)
	}
	return decoded, nil
}

// Import imports the state image text, which was exported with secret: all of it or
// nothing. The errors are those above, those of package stateimage, those of
// parameters.Store.Import, and those of the volume.
func (t *Transfer) Import(secret api.Secret, text string) error {
	developer, err := DecodeSecret(secret)
	if err != nil {
		return fmt.Errorf("import state: %w", err)
	}
	return t.Parameters.Import(secret, func(here *api.Parameters) (parameters.Imported, error) {
		return t.read(here, developer, text)
	})
}

// read makes all checks of an import. here are the parameters of this server, or nil.
func (t *Transfer) read(here *api.Parameters, developer []byte, text string) (parameters.Imported, error) {
	if err := t.FinishImport(); err != nil {
		return parameters.Imported{}, err
	}
	state, err := stateimage.Open(t.Keys, developer, text)
	if err != nil {
		return parameters.Imported{}, err
	}
	if here != nil && here.Repository() != state.Repository {
		return parameters.Imported{}, ErrOtherRepository
	}
	merged, err := t.merge(state)
	if err != nil {
		return parameters.Imported{}, err
	}
	return parameters.Imported{
		Parameters: state.Parameters,
		Commit: func(secrets map[string][]byte) error {
			maps.Copy(merged.Secrets, secrets)
			return t.Importer.Import(merged)
		},
	}, nil
}

// merge returns what of the state is stored on the volume. It refuses a state that
// would lose a key.
func (t *Transfer) merge(state stateimage.State) (volume.Import, error) {
	here, err := t.travelling()
	if err != nil {
		return volume.Import{}, err
	}
	merged := volume.Import{Secrets: map[string][]byte{}}
	for name, theirs := range state.Secrets {
		if merged.Secrets[name], err = t.mergeSecret(name, here[name], theirs); err != nil {
			return volume.Import{}, err
		}
		delete(here, name)
	}
	for name := range here {
		if declared, _ := t.Sealed.Find(name); declared.Merge == nil {
			return volume.Import{}, ErrWouldLoseKeys
		}
	}
	generation, err := t.generation()
	if err != nil {
		return volume.Import{}, err
	}
	if state.Generation > generation {
		merged.Secrets[generationName] = encodeGeneration(state.Generation)
	}
	for _, build := range state.Builds {
		merged.Builds = append(merged.Builds, volume.ImportedBuild{ID: build.ID, Record: build.Record, PublicKey: []byte(build.PublicKey)})
	}
	return merged, nil
}

// mergeSecret returns what to seal under a name of the state. ours is nil when this
// server has nothing under it.
func (t *Transfer) mergeSecret(name string, ours, theirs []byte) ([]byte, error) {
	declared, travels := t.Sealed.Travels(name)
	switch {
	case !travels:
		return nil, ErrUnknownName
	case ours == nil || bytes.Equal(ours, theirs):
		return theirs, nil
	case declared.Merge == nil:
		return nil, ErrWouldLoseKeys
	}
	merged, err := declared.Merge(name, ours, theirs)
	if err != nil {
		return nil, fmt.Errorf("import state: %w", err)
	}
	return merged, nil
}
