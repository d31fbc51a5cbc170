package server

import (
	"net/http"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/volume"
)

// selected returns the build that the request names, or without a name the latest
// one that succeeded.
func (s *Server) selected(r *http.Request) (job.Record, volume.Build, error) {
	var selector api.BuildSelector
	if err := readJSON(r, &selector); err != nil {
		return job.Record{}, nil, err
	}
	if selector.BuildName == "" {
		return s.History.Latest()
	}
	// A build's name ends with its id, which has a fixed length.
	id := selector.BuildName[max(0, len(selector.BuildName)-len(volume.IDLayout)):]
	record, build, err := s.History.Succeeded(id)
	if err == nil && record.BuildName != selector.BuildName {
		err = history.ErrNoSuchBuild
	}
	return record, build, err
}
