//go:build stack

package engine

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
)

// files gives the regular files (path to content) and links (path to target) of
// an image that was built from scratch, out of what the Engine saves.
func files(t *testing.T, e *Engine, tag string) map[string]string {
	t.Helper()
	saved, err := e.api.ImageSave(t.Context(), []string{tag})
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	found := make(map[string]string)
	untar(t, saved, func(name string, header *tar.Header, content []byte) {
		if header.Typeflag != tar.TypeReg || strings.HasSuffix(name, ".json") {
			return
		}
		layer := tar.NewReader(bytes.NewReader(content))
		if _, err := layer.Next(); err != nil {
			return // not a layer
		}
		untar(t, bytes.NewReader(content), func(name string, header *tar.Header, content []byte) {
			switch header.Typeflag {
			case tar.TypeReg:
				found[name] = string(content)
			case tar.TypeSymlink:
				found[name] = "-> " + header.Linkname
			}
			if header.Uid != 0 || header.Gid != 0 {
				t.Errorf("%s belongs to %d:%d", name, header.Uid, header.Gid)
			}
		})
	})
	return found
}

func untar(t *testing.T, archive io.Reader, visit func(string, *tar.Header, []byte)) {
	t.Helper()
	r := tar.NewReader(archive)
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		visit(header.Name, header, content)
	}
}

func wantFiles(t *testing.T, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("files in the image:\n got %q\nwant %q", got, want)
	}
}
