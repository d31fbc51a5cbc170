package scan

import (
	"context"
	"fmt"
	"path"
	"path/filepath"

	"github.com/google/osv-scalibr/extractor/filesystem"
	scalibrfs "github.com/google/osv-scalibr/fs"
	"github.com/google/osv-scalibr/purl"

	"github.com/opensbs/sbs/server/sbom"
)

// read has the extractors read each file.
func (s *scan) read(ctx context.Context) error {
	for _, f := range s.chosen {
		for _, r := range f.readers {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if err := s.packages(ctx, r, f.name); err != nil {
				s.unread(f.name, err)
			}
		}
	}
	return nil
}

// packages adds what one extractor finds in one file. A parser that panics on a file
// is no reason not to read the others.
func (s *scan) packages(ctx context.Context, r reader, name string) (err error) {
	defer func() {
		if tripped := recover(); tripped != nil {
			err = fmt.Errorf("%s panics on it: %v", r.Name(), tripped)
		}
	}()
	opened, err := s.root.Open(name)
	if err != nil {
		return err
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		return err
	}
	if r.distribution && info.Size() == 0 { // as an image has it before its first package
		return nil
	}
	found, err := r.Extract(ctx, &filesystem.ScanInput{
		FS: scalibrfs.DirFS(s.scratch), Root: s.scratch, Path: name, Info: info, Reader: opened,
	})
	if err == nil && len(found.Packages) == 0 {
		err = broken(r.Name(), opened, info.Size())
	}
	for _, p := range found.Packages {
		s.found.Packages = append(s.found.Packages, sbom.Package{
			Name:    p.Name,
			Version: p.Version,
			PURL:    packageURL(p.PURL()),
			Path:    path.Clean("/" + filepath.ToSlash(p.Location.PathOrEmpty())),
		})
	}
	return err
}

// packageURL leaves out what the library writes for "not known".
func packageURL(url *purl.PackageURL) string {
	if url == nil {
		return ""
	}
	known := *url
	known.Qualifiers = nil
	for _, qualifier := range url.Qualifiers {
		if qualifier.Value != "UNKNOWN" {
			known.Qualifiers = append(known.Qualifiers, qualifier)
		}
	}
	return known.String()
}

// silence drops what the library logs: it would be the image speaking.
type silence struct{}

func (silence) Errorf(string, ...any) {}

func (silence) Error(...any) {}

func (silence) Warnf(string, ...any) {}

func (silence) Warn(...any) {}

func (silence) Infof(string, ...any) {}

func (silence) Info(...any) {}

func (silence) Debugf(string, ...any) {}

func (silence) Debug(...any) {}
