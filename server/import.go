package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/objectstore"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/server/volume"
)

// importState takes in a state: all of it, or, when anything speaks against it,
// nothing.
func (s *Server) importState(w http.ResponseWriter, r *http.Request) error {
	var given api.StateImport
	if err := readJSON(r, &given); err != nil {
		return err
	}
	developer, err := base64.StdEncoding.DecodeString(string(given.Secret))
	if err != nil || len(developer) == 0 {
		return &badRequest{errors.New("secret is missing or not base64: it takes the SECRET of sbs-config.json")}
	}
	text, err := s.givenState(r.Context(), given)
	if err != nil {
		return err
	}
	if err := s.takeIn(given.Secret, developer, strings.TrimSpace(text)); err != nil {
		return err
	}
	s.Logger.Info("state imported")
	writeJSON(w, http.StatusOK, api.Answer{Status: api.StatusOK})
	return nil
}

// givenState is the text that came along, or what lies in the bucket.
func (s *Server) givenState(ctx context.Context, given api.StateImport) (string, error) {
	switch {
	case given.State != "" && given.Name != "":
		return "", &badRequest{errors.New("it holds both a state and the name of one: give one of the two")}
	case given.State != "":
		return given.State, nil
	case given.Name == "":
		return "", &badRequest{errors.New("it holds neither a state nor the name of one")}
	}
	where, err := s.stateStore(given.Bucket)
	if err != nil {
		return "", err
	}
	store, err := objectstore.Open(storePrefix, where, s.CABundle)
	if err != nil {
		return "", err
	}
	defer store.Close()
	text, err := store.Get(ctx, given.Name, stateimage.MaxText)
	return string(text), err
}

// takeIn checks everything first; the volume makes what follows one step.
func (s *Server) takeIn(secret api.Secret, developer []byte, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Slot.State().Running {
		return job.ErrBusy
	}
	if _, err := s.currentLocked(); s.damaged != nil || s.refused != nil {
		return err
	}
	if s.parameters != nil && !same(s.parameters.Secret, secret) {
		return errWrongSecret
	}
	if err := s.Volume.FinishImport(); err != nil {
		return err
	}
	state, err := stateimage.Open(s.Keys, developer, text)
	if err != nil {
		return err
	}
	if s.parameters != nil && s.parameters.Repository() != state.Repository {
		return errOtherImage
	}
	taken, err := s.taken(state)
	if err != nil {
		return err
	}
	imported, err := withSecret(state.Parameters, secret)
	if err != nil {
		return err
	}
	if s.parameters == nil || s.incomplete {
		text, err := json.Marshal(imported)
		if err != nil {
			return fmt.Errorf("import parameters: %w", err)
		}
		taken.Secrets[importedName] = text
	}
	if err := s.Volume.Import(taken); err != nil {
		return err
	}
	if s.parameters == nil || s.incomplete {
		s.parameters, s.incomplete = &imported, true
	}
	return nil
}

// withSecret are the parameters of a state, each checked like those of init.
func withSecret(public json.RawMessage, secret api.Secret) (api.Parameters, error) {
	var imported api.Parameters
	if err := json.Unmarshal(public, &imported); err != nil {
		return api.Parameters{}, fmt.Errorf("import parameters: %w", err)
	}
	imported.Secret = secret
	return imported, nil
}

// taken is what of the state goes to the volume, record by record. A key that is
// here and not the same there would be lost: such a state is refused, and so is
// one with a name that nobody here knows.
func (s *Server) taken(state stateimage.State) (volume.Import, error) {
	here, err := s.secrets()
	if err != nil {
		return volume.Import{}, err
	}
	taken := volume.Import{Secrets: map[string][]byte{}}
	for name, theirs := range state.Secrets {
		if taken.Secrets[name], err = s.merged(name, here[name], theirs); err != nil {
			return volume.Import{}, err
		}
		delete(here, name)
	}
	for name := range here {
		if declared, _ := s.Travelling.Find(name); declared.Merge == nil {
			return volume.Import{}, errWouldLoseKeys
		}
	}
	generation, err := s.generation()
	if err != nil {
		return volume.Import{}, err
	}
	if state.Generation > generation {
		taken.Secrets[generationName] = strconv.AppendUint(nil, state.Generation, 10)
	}
	for _, build := range state.Builds {
		taken.Builds = append(taken.Builds, volume.ImportedBuild{ID: build.ID, Record: build.Record, PublicKey: []byte(build.PublicKey)})
	}
	return taken, nil
}

// merged returns what to seal under a name of the state; ours is nil where this
// server has nothing under it.
func (s *Server) merged(name string, ours, theirs []byte) ([]byte, error) {
	declared, known := s.Travelling.Find(name)
	switch {
	case !known:
		return nil, errUnknownName
	case ours == nil || bytes.Equal(ours, theirs):
		return theirs, nil
	case declared.Merge == nil:
		return nil, errWouldLoseKeys
	}
	merged, err := declared.Merge(name, ours, theirs)
	if err != nil {
		return nil, fmt.Errorf("import state: %w", err)
	}
	return merged, nil
}
