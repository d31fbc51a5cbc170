package server

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

// events streams the running or latest build: its log from the first line on, each
// status, and new lines and statuses as they come, until the build ends.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.Parameters.Current(); err != nil {
		return err
	}
	if _, err := readBody(r); err != nil {
		return err
	}
	// The stream may take longer than the timeout for receiving a request.
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	state, changed := s.Slot.Watch()
	follower := &follower{out: w, control: control, id: state.Record.ID}
	if err := follower.open(s); err != nil {
		return err
	}
	defer follower.close()
	w.Header().Set("Content-Type", "application/x-ndjson")
	for {
		if err := follower.send(s, state); err != nil {
			return fmt.Errorf("follow build %s: %w", follower.id, err)
		}
		if !state.Running || state.Record.ID != follower.id {
			return nil
		}
		select {
		case <-changed:
			state, changed = s.Slot.Watch()
		case <-r.Context().Done():
			return nil
		}
	}
}

// follower holds what one client has received of a build.
type follower struct {
	out     http.ResponseWriter
	control *http.ResponseController // of out
	id      string                   // of the build
	file    io.ReadCloser
	lines   *bufio.Reader
	partial string     // a line that is still being written
	sent    api.Status // the status sent last
	started bool
}

func (f *follower) open(s *Server) error {
	if f.id == "" {
		return nil
	}
	file, err := s.openLog(f.id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.file, f.lines = file, bufio.NewReader(file)
	return nil
}

func (f *follower) close() {
	if f.file != nil {
		_ = f.file.Close()
	}
}

// send sends new lines of the log first and the new status second, so that a status
// never precedes the lines that led to it.
func (f *follower) send(s *Server, state job.State) error {
	if err := f.sendLines(); err != nil {
		return err
	}
	status := s.statusOf(state)
	if !f.started || status != f.sent {
		f.started, f.sent = true, status
		if err := f.event(api.Event{Status: &status}); err != nil {
			return err
		}
	}
	return f.control.Flush()
}

func (f *follower) sendLines() error {
	for f.lines != nil {
		text, err := f.lines.ReadString('\n')
		f.partial += text
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line := strings.TrimSuffix(f.partial, "\n")
		f.partial = ""
		if err := f.event(api.Event{Log: line}); err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) event(event api.Event) error {
	text, err := json.Marshal(event)
	if err != nil {
		return err
	}
	_, err = f.out.Write(append(text, '\n'))
	return err
}
