package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

// init takes the parameters. Later ones replace earlier ones, if they come with
// the same SECRET.
func (s *Server) init(w http.ResponseWriter, r *http.Request) error {
	given, err := s.receive(r)
	if err != nil {
		return err
	}
	if given.NewSecret != "" {
		return &api.ParameterError{Key: "NEW_SECRET", Problem: "belongs to update, not to init"}
	}
	err = s.change(func(stored *api.Parameters) (api.Parameters, error) {
		if stored != nil && !same(stored.Secret, given.Secret) {
			return api.Parameters{}, errWrongSecret
		}
		return given, nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, api.Answer{Status: api.StatusOK, Warnings: given.Warnings()})
	return nil
}

// update replaces the parameters, and the secret when the old one is proven.
func (s *Server) update(w http.ResponseWriter, r *http.Request) error {
	given, err := s.receive(r)
	if err != nil {
		return err
	}
	err = s.change(func(stored *api.Parameters) (api.Parameters, error) {
		if stored == nil {
			return api.Parameters{}, errNotInitialised
		}
		return renewed(stored.Secret, given)
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, api.Answer{Status: api.StatusOK, Warnings: given.Warnings()})
	return nil
}

// renewed is given with the secret that holds from now on. An update whose
// reply was lost may come again: its NEW_SECRET is the stored one by then.
func renewed(stored api.Secret, given api.Parameters) (api.Parameters, error) {
	repeated := given.NewSecret != "" && same(stored, given.NewSecret)
	if !same(stored, given.Secret) && !repeated {
		return api.Parameters{}, errWrongSecret
	}
	if given.NewSecret != "" {
		given.Secret = given.NewSecret
		given.NewSecret = ""
	}
	return given, nil
}

func (s *Server) build(w http.ResponseWriter, _ *http.Request) error {
	if err := s.begin(); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, api.Answer{Status: api.StatusStarted})
	return nil
}

// begin holds the parameters while the build starts, so that nothing changes or
// is imported in between.
func (s *Server) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	parameters, err := s.currentLocked()
	if err != nil {
		return err
	}
	if err := s.Volume.FinishImport(); err != nil {
		return err
	}
	return s.Builder.Begin(parameters)
}

// cleanTime bounds how long clean waits for a running build to end.
const cleanTime = 30 * time.Second

var errCleaned = errors.New("the build was stopped by clean")

// clean stops a running build and makes the server free.
func (s *Server) clean(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), cleanTime)
	defer cancel()
	if err := s.Slot.Stop(ctx, errCleaned); err != nil {
		return err
	}
	if err := s.Slot.Restarted(); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, api.Answer{Status: api.StatusRestarted})
	return nil
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) error {
	if _, err := s.current(); errors.Is(err, errNotInitialised) {
		writeJSON(w, http.StatusOK, api.Answer{})
		return nil
	}
	status := s.statusOf(s.Slot.State())
	status.Volume = s.volumeTrouble()
	writeJSON(w, http.StatusOK, status)
	return nil
}

func (s *Server) statusOf(state job.State) api.Status {
	record := state.Record
	status := api.Status{
		BuildImageTag:     record.BuildImageTag,
		BuildName:         record.BuildName,
		ImageTag:          record.ImageTag,
		ManifestKeyGen:    record.ManifestKeyGen,
		ManifestPublicKey: record.ManifestPublicKey,
		Status:            record.Status,
		Building:          state.Running,
		Cause:             record.Cause,
		Enclave:           s.Enclave,
	}
	if parameters, err := s.current(); err == nil || errors.Is(err, errIncomplete) {
		status.BuildImageTag = parameters.BuildImageTag
	}
	return status
}

// volumeTrouble is what is wrong with the data volume as far as it can be told
// at once, or "".
func (s *Server) volumeTrouble() string {
	_, err := s.current()
	for _, err := range []error{err, s.Volume.RequireFree(1)} {
		if _, answer, ok := classifyVolume(err); ok {
			return answer.Status
		}
	}
	return ""
}
