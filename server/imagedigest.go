package server

import (
	"net/http"
)

// imageDigest replies with the image reference, by digest, of the latest image.
func (s *Server) imageDigest(w http.ResponseWriter, _ *http.Request) error {
	record, _, err := s.History.Latest()
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, record.Repository+"@"+record.ImageDigest)
	return nil
}
