package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/osv-scalibr/log"

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
