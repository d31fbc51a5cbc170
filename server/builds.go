package server

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/volume"
)

// builds replies with one page of the history, newest first.
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

// writeBuilds writes an api.Builds without holding its whole text in memory.
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

// addRunning completes the entry of the running build, which has no record yet.
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
