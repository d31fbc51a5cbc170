package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/transfer"
)

// exportState replies with the sealed state, or stores it in a bucket.
func (s *Server) exportState(w http.ResponseWriter, r *http.Request) error {
	var selector api.StateSelector
	if err := readJSON(r, &selector); err != nil {
		return err
	}
	image, err := s.Transfer.Export()
	if err != nil {
		return err
	}
	if selector.Bucket != "" {
		if err := s.Transfer.Upload(r.Context(), selector.Bucket, image.Name, image.State); err != nil {
			return err
		}
		image.State = ""
	}
	writeJSON(w, http.StatusOK, image)
	return nil
}

// importState imports the state in the request, or the one it names in a bucket.
func (s *Server) importState(w http.ResponseWriter, r *http.Request) error {
	var given api.StateImport
	if err := readJSON(r, &given); err != nil {
		return err
	}
	if _, err := transfer.DecodeSecret(given.Secret); err != nil {
		return &badRequest{errors.New("secret is missing or not base64: it takes the SECRET of sbs-config.json")}
	}
	text, err := s.stateText(r.Context(), given)
	if err != nil {
		return err
	}
	if err := s.Transfer.Import(given.Secret, strings.TrimSpace(text)); err != nil {
		return err
	}
	s.Logger.Info("state imported")
	writeJSON(w, http.StatusOK, api.Answer{Status: api.StatusOK})
	return nil
}

// stateText returns the text of the state image in the request, or of the one it
// names in a bucket.
func (s *Server) stateText(ctx context.Context, given api.StateImport) (string, error) {
	switch {
	case given.State != "" && given.Name != "":
		return "", &badRequest{errors.New("it holds both a state and the name of one: give one of the two")}
	case given.State != "":
		return given.State, nil
	case given.Name == "":
		return "", &badRequest{errors.New("it holds neither a state nor the name of one")}
	}
	return s.Transfer.Download(ctx, given.Bucket, given.Name)
}
