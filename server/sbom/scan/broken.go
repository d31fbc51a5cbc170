package scan

// Files that would have been packages if they were whole. Their extractors return
// nothing for them, as for files of another kind.

import (
	"archive/zip"
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/depsjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gobinary"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/archive"
)

const (
	maxDeps     = 64 << 20            // bytes of a .deps.json that is checked
	goBuildInfo = "\xff Go buildinf:" // in every Go program since 1.13
)

// broken returns why a file in which the extractor of this name found nothing is
// not what it is named, nil if nothing is wrong with it.
func broken(extractor string, file *os.File, size int64) error {
	switch extractor {
	case archive.Name:
		if _, err := zip.NewReader(file, size); err != nil {
			return fmt.Errorf("a broken archive: %w", err)
		}
	case depsjson.Name:
		return brokenJSON(file)
	case gobinary.Name:
		return brokenProgram(file, size)
	}
	return nil
}

func brokenJSON(file *os.File) error {
	text, err := io.ReadAll(io.NewSectionReader(file, 0, maxDeps))
	if err != nil {
		return err
	}
	if !json.Valid(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		return errors.New("it is not JSON")
	}
	return nil
}

func brokenProgram(file *os.File, size int64) error {
	_, err := buildinfo.Read(file)
	// The package has no type for it.
	if err == nil || strings.Contains(err.Error(), "not a Go executable") {
		return nil
	}
	magic := make([]byte, len(elf.ELFMAG))
	if _, readErr := file.ReadAt(magic, 0); readErr != nil || string(magic) != elf.ELFMAG {
		return nil
	}
	isGo, readErr := contains(io.NewSectionReader(file, 0, size), goBuildInfo)
	if readErr != nil || !isGo {
		return readErr
	}
	return fmt.Errorf("a broken Go program: %w", err)
}

// contains reports whether a text is in what r gives.
func contains(r io.Reader, text string) (bool, error) {
	window := make([]byte, 0, 1<<20)
	for {
		n, err := io.ReadFull(r, window[len(window):cap(window)])
		window = window[:len(window)+n]
		if bytes.Contains(window, []byte(text)) {
			return true, nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		window = window[:copy(window, window[len(window)-len(text):])]
	}
}
