package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/opensbs/sbs/api"
)

func (s *Server) build(w http.ResponseWriter, _ *http.Request) error {
	if err := s.begin(); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, api.Answer{Status: api.StatusStarted})
	return nil
}

// begin starts a build. The parameters do not change and no state is imported until
// it has begun.
func (s *Server) begin() error {
	return s.Parameters.Use(func(parameters api.Parameters) error {
		if err := s.Transfer.FinishImport(); err != nil {
			return err
		}
		return s.Builder.Begin(parameters)
	})
}

// cleanTime bounds how long clean waits for a running build to end.
const cleanTime = 30 * time.Second

var errCleaned = errors.New("the build was stopped by clean")

// clean stops a running build, so that the next one can start.
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
