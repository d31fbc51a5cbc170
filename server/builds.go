package server

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/pipeline"
	"github.com/opensbs/sbs/server/volume"
)

// log answers the build log of the running or latest build, as a stream.
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

func (s *Server) openLog(id string) (*os.File, error) {
	build, err := s.Volume.Build(id)
	if err != nil {
		return nil, err
	}
	return build.Log()
}

// writeLog writes an api.Log without holding the log: JSON texts may be written
// piece by piece as long as no piece ends inside a character, so line by line.
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

// manifest answers the signed manifest of a build, as a stream.
func (s *Server) manifest(w http.ResponseWriter, r *http.Request) error {
	record, build, err := s.selected(r)
	if err != nil {
		return err
	}
	name := manifest.Name(record.BuildName)
	file, err := build.Manifest(pipeline.SignedName(name))
	if errors.Is(err, fs.ErrNotExist) {
		return errNoManifest
	}
	if err != nil {
		return err
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriterSize(w, 64<<10)
	quoted, err := json.Marshal(name)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	// The writer keeps its first error until it is flushed.
	_, _ = fmt.Fprintf(out, `{"manifest_name":%s,"encoded_manifest":"`, quoted)
	encoder := base64.NewEncoder(base64.StdEncoding, out)
	if _, err := io.Copy(encoder, file); err != nil {
		// What is out already, or is not, must not look whole.
		return errors.Join(fmt.Errorf("send manifest: %w", err), out.Flush())
	}
	_ = encoder.Close()
	_, _ = io.WriteString(out, "\"}\n")
	return out.Flush()
}

// publicKey answers the key that verifies the manifest of a build.
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
