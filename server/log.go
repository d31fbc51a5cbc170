package server

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/opensbs/sbs/api"
)

// log streams the build log of the running or latest build.
func (s *Server) log(w http.ResponseWriter, r *http.Request) error {
	if chi.URLParam(r, "name") != api.BuildLog {
		return errNoSuchLog
	}
	id := s.Slot.State().Record.ID
	if id == "" {
		writeJSON(w, http.StatusOK, api.Log{})
		return nil
	}
	file, err := s.openLog(id)
	if err != nil {
		return err
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/json")
	return writeLog(w, file)
}

func (s *Server) openLog(id string) (io.ReadCloser, error) {
	build, err := s.Builds.Open(id)
	if err != nil {
		return nil, err
	}
	return build.Log()
}

// writeLog writes an api.Log without holding the log in memory. A JSON string may be
// written in pieces that do not end inside a character, so it is written by lines.
func writeLog(w io.Writer, log io.Reader) error {
	if _, err := io.WriteString(w, `{"log":"`); err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadString('\n')
		if strings.HasSuffix(line, "\n") {
			quoted, err := json.Marshal(line)
			if err != nil {
				return fmt.Errorf("write log: %w", err)
			}
			if _, err := w.Write(quoted[1 : len(quoted)-1]); err != nil {
				return fmt.Errorf("write log: %w", err)
			}
		}
		if errors.Is(err, io.EOF) {
			break // or a line that is still being written
		}
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
	}
	_, err := io.WriteString(w, "\"}\n")
	return err
}
