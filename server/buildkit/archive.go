package buildkit

// The image comes as a tar file in the form that docker save writes, with its layers
// compressed by gzip. It also has the image's OCI manifest, where an annotation marks
// each layer whose times were set.

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"sync"
	"time"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opensbs/sbs/server/builder"
)

// rewritten is the annotation of a layer whose times BuildKit set: its value is the time.
const rewritten = "buildkit/rewritten-timestamp"

// maxIndex bounds index.json and a manifest of an archive, in bytes.
const maxIndex = 8 << 20

// archive is the file that BuildKit's exporter writes to, through this side. A build that
// is cut short may still write when it is closed.
type archive struct {
	max    int64
	wrote  func() // is called after each write
	mu     sync.Mutex
	file   *os.File // nil when it is closed
	left   int64
	failed error // the first error of Write and Close
}

// createArchive creates a file. It calls wrote after each write to it.
func createArchive(name string, limit int64, wrote func()) (*archive, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create the image's archive: %w", err)
	}
	return &archive{file: file, left: limit, max: limit, wrote: wrote}, nil
}

func (a *archive) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed == nil && a.file == nil {
		a.failed = fmt.Errorf("write the image's archive: %w", os.ErrClosed)
	}
	if a.failed == nil && int64(len(p)) > a.left {
		a.failed = fmt.Errorf("%w: its archive has more than %d bytes", builder.ErrTooLarge, a.max)
	}
	if a.failed != nil {
		return 0, a.failed
	}
	n, err := a.file.Write(p)
	a.left -= int64(n)
	if err != nil {
		a.failed = fmt.Errorf("write the image's archive: %w", err)
	}
	a.wrote()
	return n, a.failed
}

// err returns the first error of Write and Close.
func (a *archive) err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// Close closes the file once, and returns the first error of Write and Close.
func (a *archive) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == nil {
		return a.failed
	}
	if err := a.file.Close(); err != nil && a.failed == nil {
		a.failed = fmt.Errorf("write the image's archive: %w", err)
	}
	a.file = nil
	return a.failed
}

// checkTimes requires that each layer of an archive is one of base, by its digest, or
// had its times set to epoch. BuildKit only warns in its log of a layer that it could
// not rewrite.
func checkTimes(name string, base map[string]bool, epoch time.Time) error {
	manifest, err := readManifest(name)
	if err != nil {
		return fmt.Errorf("read the image's archive: %w", err)
	}
	want := strconv.FormatInt(epoch.Unix(), 10)
	for i, layer := range manifest.Layers {
		if base[layer.Digest.String()] || layer.Annotations[rewritten] == want {
			continue
		}
		return fmt.Errorf("BuildKit could not set the times of layer %d of %d, %s, to that of the commit, so that the same commit would give another image: see the builder's log", i+1, len(manifest.Layers), layer.Digest)
	}
	return nil
}

// readManifest returns the manifest of the one image in an archive.
func readManifest(name string) (manifest ocispecs.Manifest, err error) {
	file, err := os.Open(name)
	if err != nil {
		return manifest, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var index ocispecs.Index
	if err := readMember(file, "index.json", &index); err != nil {
		return manifest, err
	}
	if len(index.Manifests) != 1 {
		return manifest, fmt.Errorf("it has %d images, not one", len(index.Manifests))
	}
	digest := index.Manifests[0].Digest
	if err := digest.Validate(); err != nil {
		return manifest, err
	}
	return manifest, readMember(file, path.Join("blobs", digest.Algorithm().String(), digest.Encoded()), &manifest)
}

// readMember decodes a JSON file of a tar file.
func readMember(file *os.File, name string, into any) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for members := tar.NewReader(file); ; {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%s is not in it", name)
		}
		if err != nil {
			return err
		}
		if path.Clean(header.Name) != name {
			continue
		}
		if header.Size > maxIndex {
			return fmt.Errorf("%s has %d bytes, at most %d are allowed", name, header.Size, maxIndex)
		}
		if err := json.NewDecoder(members).Decode(into); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
}
