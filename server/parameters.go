package server

import (
	"errors"
	"net/http"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/parameters"
)

// initParameters stores the parameters of the request. They replace earlier ones that
// have the same SECRET.
func (s *Server) initParameters(w http.ResponseWriter, r *http.Request) error {
	return s.storeParameters(w, r, s.Parameters.Init)
}

// updateParameters replaces the parameters, and the SECRET when the request proves
// the stored one.
func (s *Server) updateParameters(w http.ResponseWriter, r *http.Request) error {
	return s.storeParameters(w, r, s.Parameters.Update)
}

func (s *Server) storeParameters(w http.ResponseWriter, r *http.Request, store func(api.Parameters) error) error {
	given, err := s.readParameters(r)
	if err != nil {
		return err
	}
	if err := store(given); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, api.Answer{Status: api.StatusOK, Warnings: given.Warnings()})
	return nil
}

// readParameters reads the parameters of a request and makes all checks of them,
// before anything is stored.
func (s *Server) readParameters(r *http.Request) (api.Parameters, error) {
	body, err := readBody(r)
	if err != nil {
		return api.Parameters{}, err
	}
	given, err := api.ParseParameters(body)
	if err != nil {
		var parameter *api.ParameterError
		if errors.As(err, &parameter) {
			return api.Parameters{}, parameter
		}
		return api.Parameters{}, &badRequest{err}
	}
	if err := parameters.Check(given); err != nil {
		return api.Parameters{}, err
	}
	return given, s.Builder.Check(given)
}
