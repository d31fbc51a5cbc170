package scan

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/osv-scalibr/extractor/filesystem"
	scalibrfs "github.com/google/osv-scalibr/fs"
	"github.com/google/osv-scalibr/log"
	"github.com/google/osv-scalibr/purl"

	"github.com/opensbs/sbs/server/sbom"
)

// Bounds of what is taken out of an image, in bytes.
const (
	maxFile  = 2 << 30
	maxFiles = 32 << 30
)

// Image scans the image in archive, which docker save wrote. scratch is the path of
// an empty folder, which is filled.
func Image(ctx context.Context, archive *os.File, scratch string) (sbom.Inventory, error) {
	log.SetLogger(silence{})
	info, err := archive.Stat()
	if err != nil {
		return sbom.Inventory{}, fmt.Errorf("open the image: %w", err)
	}
	// Each layer is read from the file again; it is opened once.
	image, err := tarball.Image(func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(archive, 0, info.Size())), nil
	}, nil)
	if err != nil {
		return sbom.Inventory{}, fmt.Errorf("open the image: %w", err)
	}
	layers, err := image.Layers()
	if err != nil {
		return sbom.Inventory{}, fmt.Errorf("open the image: %w", err)
	}
	s, err := newScan(scratch)
	if err != nil {
		return sbom.Inventory{}, err
	}
	defer s.root.Close()
	if err := walk(ctx, layers, s.keep); err != nil {
		return sbom.Inventory{}, fmt.Errorf("look through the image: %w", err)
	}
	if err := s.read(ctx); err != nil {
		return sbom.Inventory{}, fmt.Errorf("read what the image has: %w", err)
	}
	return s.found, nil
}

// scan is one image while it is looked through.
type scan struct {
	scratch string
	root    *os.Root // of scratch
	readers []reader
	kept    map[string][]reader // file to those who want it
	size    int64               // of all kept files
	found   sbom.Inventory
}

func newScan(scratch string) (*scan, error) {
	all, err := readers()
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(scratch)
	if err != nil {
		return nil, fmt.Errorf("open the scratch folder: %w", err)
	}
	// Without it, an image is taken for something else than Linux.
	if err := root.MkdirAll("etc", 0o700); err != nil {
		return nil, fmt.Errorf("prepare the scratch folder: %w", err)
	}
	return &scan{scratch: scratch, root: root, readers: all, kept: map[string][]reader{}}, nil
}

// keep writes a file to the scratch folder, if it will be looked into.
func (s *scan) keep(name string, header *tar.Header, content io.Reader) error {
	wanted := wanting(s.readers, name, header.FileInfo())
	if len(wanted) == 0 && !besides(name) {
		return nil
	}
	if header.Size > maxFile {
		s.unread(name, fmt.Errorf("it is larger than %d bytes", int64(maxFile)))
		return nil
	}
	if s.size += header.Size; s.size > maxFiles {
		return fmt.Errorf("the files to look into are larger than %d bytes together", int64(maxFiles))
	}
	if err := s.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	file, err := s.root.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		_ = file.Close()
		return err
	}
	s.kept[name] = wanted
	return file.Close()
}

// read asks the extractors about each file, in the order of names.
func (s *scan) read(ctx context.Context) error {
	names := make([]string, 0, len(s.kept))
	for name := range s.kept {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, r := range s.kept[name] {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			err := s.extract(ctx, r, name)
			if err != nil && r.whole {
				return fmt.Errorf("%s: %w", name, err)
			}
			if err != nil {
				s.unread(name, err)
			}
		}
	}
	return nil
}

// extract asks one extractor about one file. A parser that trips over a file is
// no reason not to read the others.
func (s *scan) extract(ctx context.Context, r reader, name string) (err error) {
	defer func() {
		if tripped := recover(); tripped != nil {
			err = fmt.Errorf("%s tripped over it: %v", r.Name(), tripped)
		}
	}()
	file, err := s.root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	found, err := r.Extract(ctx, &filesystem.ScanInput{
		FS: scalibrfs.DirFS(s.scratch), Root: s.scratch, Path: name, Info: info, Reader: file,
	})
	if err != nil {
		return err
	}
	for _, p := range found.Packages {
		s.found.Packages = append(s.found.Packages, sbom.Package{
			Name:    p.Name,
			Version: p.Version,
			PURL:    packageURL(p.PURL()),
			Path:    path.Clean("/" + filepath.ToSlash(p.Location.PathOrEmpty())),
		})
	}
	return nil
}

// packageURL leaves out what the library says for "not known".
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

func (s *scan) unread(name string, reason error) {
	const most = 300
	text := strings.ReplaceAll(reason.Error(), s.scratch, "")
	s.found.Unread = append(s.found.Unread, sbom.Unread{Path: "/" + name, Reason: text[:min(most, len(text))]})
}

// silence drops what the library logs: it would be the image speaking.
type silence struct{}

func (silence) Errorf(string, ...any) {}
func (silence) Error(...any)          {}
func (silence) Warnf(string, ...any)  {}
func (silence) Warn(...any)           {}
func (silence) Infof(string, ...any)  {}
func (silence) Info(...any)           {}
func (silence) Debugf(string, ...any) {}
func (silence) Debug(...any)          {}
