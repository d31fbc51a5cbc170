package server

import (
	"errors"
	"net/http"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/parameters"
)

func (s *Server) status(w http.ResponseWriter, _ *http.Request) error {
	if _, err := s.Parameters.Current(); errors.Is(err, parameters.ErrNotInitialised) {
		writeJSON(w, http.StatusOK, api.Answer{})
		return nil
	}
	status := s.statusOf(s.Slot.State())
	status.Volume = s.volumeProblem()
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
	if current, err := s.Parameters.Current(); err == nil || errors.Is(err, parameters.ErrIncomplete) {
		status.BuildImageTag = current.BuildImageTag
	}
	return status
}

// volumeProblem returns what is wrong with the data volume, as far as that is known
// without reading it, or "".
func (s *Server) volumeProblem() string {
	_, err := s.Parameters.Current()
	for _, err := range []error{err, s.Disk.RequireFree(1)} {
		if _, answer, ok := classifyVolume(err); ok {
			return answer.Status
		}
	}
	return ""
}
