package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
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

// maxUnread bounds the files that are listed because they could not be read; an
// inventory holds fewer.
const maxUnread = 100_000

// Image scans the image in archive, which docker save wrote. scratch is the path of
// an empty folder, which is filled.
func Image(ctx context.Context, archive *os.File, scratch string) (sbom.Inventory, error) {
	log.SetLogger(silence{})
	info, err := archive.Stat()
	if err != nil {
		return sbom.Inventory{}, fmt.Errorf("open the image: %w", err)
	}
	// Each layer is read from the file again; it is opened once.
	open := func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(archive, 0, info.Size())), nil
	}
	images, err := tarball.LoadManifest(open)
	if err != nil {
		return sbom.Inventory{}, fmt.Errorf("open the image: %w", err)
	}
	if len(images) == 1 && len(images[0].Layers) == 0 {
		return sbom.Inventory{Packages: []sbom.Package{}}, nil // the library refuses such an image
	}
	image, err := tarball.Image(open, nil)
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
	seen, err := view(ctx, layers, func(name string) { s.unread(name, errNotMade) })
	if err != nil {
		return sbom.Inventory{}, fmt.Errorf("scan the image: %w", err)
	}
	s.choose(seen)
	if err := s.extract(ctx, layers); err != nil {
		return sbom.Inventory{}, fmt.Errorf("extract files of the image: %w", err)
	}
	if err := s.read(ctx); err != nil {
		return sbom.Inventory{}, fmt.Errorf("read files of the image: %w", err)
	}
	return s.found, nil
}

var errNotMade = errors.New("no extractor could make it: it links to nothing, or is below something that is no folder")

// scan is one image while it is scanned.
type scan struct {
	scratch string
	root    *os.Root // of scratch
	readers []reader
	chosen  []file
	found   sbom.Inventory
}

// file is a file of the image that is read.
type file struct {
	name    string
	content *content
	readers []reader // that want it
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
	return &scan{scratch: scratch, root: root, readers: all}, nil
}

// choose notes the files that are read, in the order of their names.
func (s *scan) choose(seen *node) {
	var size int64
	counted := map[*content]bool{}
	seen.files("", func(name string, found *content) {
		wanted := wanting(s.readers, name, found.info)
		if len(wanted) == 0 && !besides(name) {
			return
		}
		if found.info.Size() > maxFile {
			s.unread(name, fmt.Errorf("it is larger than %d bytes", int64(maxFile)))
			return
		}
		if !counted[found] {
			counted[found] = true
			size += found.info.Size()
		}
		if size > maxFiles {
			s.unread(name, fmt.Errorf("the files that are read are larger than %d bytes together", int64(maxFiles)))
			return
		}
		s.chosen = append(s.chosen, file{name, found, wanted})
	})
	slices.SortFunc(s.chosen, func(a, b file) int { return cmp.Compare(a.name, b.name) })
}

// extract writes the chosen files to the scratch folder, those that share their
// content as hard links.
func (s *scan) extract(ctx context.Context, layers []v1.Layer) error {
	type place struct{ layer, number int }
	names, wanted := map[place][]string{}, map[int]map[int]bool{}
	for _, f := range s.chosen {
		at := place{f.content.layer, f.content.number}
		names[at] = append(names[at], f.name)
		if wanted[at.layer] == nil {
			wanted[at.layer] = map[int]bool{}
		}
		wanted[at.layer][at.number] = true
	}
	return contents(ctx, layers, wanted, func(layer, number int, content io.Reader) error {
		all := names[place{layer, number}]
		first := -1
		for i, name := range all {
			var err error
			if first < 0 {
				err = s.write(name, content)
			} else if err = s.root.MkdirAll(path.Dir(name), 0o700); err == nil {
				err = s.root.Link(all[first], name)
			}
			switch {
			case err == nil && first < 0:
				first = i
			case errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EINVAL):
				s.unread(name, errors.New("no file can have this name"))
				s.drop(name)
			case err != nil:
				return err
			}
		}
		return nil
	})
}

func (s *scan) drop(name string) {
	s.chosen = slices.DeleteFunc(s.chosen, func(f file) bool { return f.name == name })
}

func (s *scan) write(name string, content io.Reader) error {
	if err := s.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	written, err := s.root.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(written, content); err != nil {
		_ = written.Close()
		return err
	}
	return written.Close()
}

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

// unread notes a file that could not be read, as far as an inventory can hold it.
func (s *scan) unread(name string, reason error) {
	const most = 300
	if len(s.found.Unread) >= maxUnread {
		s.found.UnreadLeftOut++
		return
	}
	text := strings.ReplaceAll(reason.Error(), s.scratch, "")
	s.found.Unread = append(s.found.Unread, sbom.Unread{Path: path.Clean("/" + name), Reason: text[:min(most, len(text))]})
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
