package server

import (
	"errors"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
)

// lookaside replies with one file of the lookaside store.
func (s *Server) lookaside(w http.ResponseWriter, r *http.Request) error {
	signature, err := s.Lookaside.Signature(chi.URLParam(r, "*"))
	if errors.Is(err, fs.ErrNotExist) {
		return errNoSignature
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(signature)))
	_, _ = w.Write(signature) // an error means that the client is gone
	return nil
}
