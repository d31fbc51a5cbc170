package server

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/volume"
)

// builds answers the history, newest first, a page at a time.
func (s *Server) builds(w http.ResponseWriter, r *http.Request) error {
	if _, err := readBody(r); err != nil {
		return err
	}
	query := r.URL.Query()
	limit := api.DefaultBuilds
	if text := query.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > api.MaxBuilds {
			return &badRequest{fmt.Errorf("limit takes a whole number from 1 to %d", api.MaxBuilds)}
		}
	}
	before := query.Get("before")
	if len(before) > len(volume.IDLayout) {
		return &badRequest{errors.New("before takes the id of a build, as it is listed")}
	}
	page, more, err := s.History.List(before, limit)
	if err != nil {
		return err
	}
	s.addRunning(page)
	next := ""
	if more {
		next = page[len(page)-1].ID
	}
	w.Header().Set("Content-Type", "application/json")
	return writeBuilds(w, page, next)
}

// writeBuilds writes an api.Builds without holding its text.
func writeBuilds(w io.Writer, page []api.Build, next string) error {
	out := bufio.NewWriterSize(w, 64<<10)
	_, _ = out.WriteString(`{"builds":[`)
	for i, build := range page {
		text, err := json.Marshal(build)
		if err != nil {
			return fmt.Errorf("write the history: %w", err)
		}
		if i > 0 {
			_ = out.WriteByte(',')
		}
		_, _ = out.Write(text)
	}
	_ = out.WriteByte(']')
	if next != "" {
		quoted, err := json.Marshal(next)
		if err != nil {
			return fmt.Errorf("write the history: %w", err)
		}
		_, _ = fmt.Fprintf(out, `,"next":%s`, quoted)
	}
	_, _ = out.WriteString("}\n")
	return out.Flush()
}

// addRunning tells what is known of the build that runs, which has no record yet.
func (s *Server) addRunning(page []api.Build) {
	state := s.Slot.State()
	if !state.Running {
		return
	}
	for i := range page {
		if page[i].ID == state.Record.ID {
			page[i].Status, page[i].BuildName, page[i].Started = state.Record.Status, state.Record.BuildName, state.Record.Started
		}
	}
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
	build, err = s.Volume.Build(id)
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
