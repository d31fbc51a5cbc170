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

	"github.com/opensbs/sbs/api/manifest"
)

// manifest streams the signed manifest of a build.
func (s *Server) manifest(w http.ResponseWriter, r *http.Request) error {
	record, build, err := s.selected(r)
	if err != nil {
		return err
	}
	name := manifest.Name(record.BuildName)
	file, err := build.Manifest(manifest.SignedName(name))
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
		// The caller closes the connection, so that a truncated manifest is not
		// taken for a complete one.
		return errors.Join(fmt.Errorf("send manifest: %w", err), out.Flush())
	}
	_ = encoder.Close()
	_, _ = io.WriteString(out, "\"}\n")
	return out.Flush()
}
