package server

import (
	"net/http"

	"github.com/opensbs/sbs/api"
)

// publicKey replies with the key that verifies the manifest of a build.
func (s *Server) publicKey(w http.ResponseWriter, r *http.Request) error {
	record, build, err := s.selected(r)
	if err != nil {
		return err
	}
	pem, err := build.PublicKey()
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, api.PublicKey{PublicKeyPEM: string(pem), BuildName: record.BuildName})
	return nil
}
