//go:build stack

package secrets

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"encoding/base64"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxUnpacked is the maximum size of an unpacked file, in bytes.
const maxUnpacked = 64 << 20

// embedded matches base64 within other text: a payload, an archive in a response.
var embedded = regexp.MustCompile(`[A-Za-z0-9+/]{64,}={0,2}`)

// unpack calls visit with a text and with what it contains, recursively: compressed
// data, members of archives, base64.
func unpack(where, text string, visit func(where, text string)) {
	visit(where, text)
	switch {
	case strings.HasPrefix(text, "\x1f\x8b"):
		if packed, err := gzip.NewReader(strings.NewReader(text)); err == nil {
			unpack(where+" (gunzip)", readAll(packed), visit)
		}
	case strings.HasPrefix(text, "BZh"):
		unpack(where+" (bunzip2)", readAll(bzip2.NewReader(strings.NewReader(text))), visit)
	case len(text) > 262 && text[257:262] == "ustar":
		for archive := tar.NewReader(strings.NewReader(text)); ; {
			member, err := archive.Next()
			if err != nil {
				return
			}
			unpack(where+": "+member.Name, readAll(archive), visit)
		}
	default:
		for _, encoded := range embedded.FindAllString(text, -1) {
			if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
				unpack(where+" (base64 -d)", string(decoded), visit)
			}
		}
	}
}

// readAll returns what can be read of a stream, up to the first error.
func readAll(r io.Reader) string {
	var text bytes.Buffer
	_, _ = io.Copy(&text, io.LimitReader(r, maxUnpacked)) // a truncated stream is searched too
	return text.String()
}

// folder calls visit with all files of a folder, unpacked, and returns their number.
func folder(t testing.TB, dir string, visit func(where, text string)) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		unpack(path, string(text), visit)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
