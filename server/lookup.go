package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/volume"
)

// selected is the build that the request names: the latest success without a
// name.
func (s *Server) selected(r *http.Request) (job.Record, *volume.Build, error) {
	var selector api.BuildSelector
	if err := readJSON(r, &selector); err != nil {
		return job.Record{}, nil, err
	}
	if selector.BuildName == "" {
		return s.latest()
	}
	// A build's name ends with its id, which has a fixed length.
	id := selector.BuildName[max(0, len(selector.BuildName)-len(volume.IDLayout)):]
	record, build, err := s.succeeded(id)
	if err == nil && record.BuildName != selector.BuildName {
		err = errNoSuchBuild
	}
	return record, build, err
}

// latest is the latest build that succeeded.
func (s *Server) latest() (job.Record, *volume.Build, error) {
	latest, err := s.History.LatestSuccess()
	if err != nil {
		return job.Record{}, nil, err
	}
	if latest.ID == "" {
		return job.Record{}, nil, errNoBuild
	}
	return s.succeeded(latest.ID)
}

// succeeded reads the record of a build that succeeded. Any other is
// errNoSuchBuild.
func (s *Server) succeeded(id string) (record job.Record, build *volume.Build, err error) {
	build, err = s.Volume.Builds().Open(id)
	if err != nil {
		return record, nil, errors.Join(errNoSuchBuild, err)
	}
	saved, err := build.Record()
	if errors.Is(err, fs.ErrNotExist) {
		return record, nil, errNoSuchBuild // it runs, or was interrupted
	}
	if err != nil {
		return record, nil, err
	}
	if err := json.Unmarshal(saved, &record); err != nil {
		return record, nil, fmt.Errorf("record of build %s: %w", id, err)
	}
	if record.Status != api.StatusSuccess {
		return record, nil, errNoSuchBuild
	}
	return record, build, nil
}
