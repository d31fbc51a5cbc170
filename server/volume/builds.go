package volume

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
)

// Build is the folder of one build. Its id is the start time of the build, in
// UTC, which is also the end of the build's name.
type Build struct {
	volume *Volume
	id     string
	folder string
}

// IDLayout is the form of a build's id, as a layout of package time.
const IDLayout = "2006-01-02_15-04-05.000000"

var idForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}\.\d{6}$`)

const (
	fileRecord    = "record.json"
	fileLog       = "build.log"
	filePublicKey = "public.pem"
	maxRecord     = 16 << 20
)

// CreateBuild makes the folder of a new build. An id that is taken is an error
// that wraps fs.ErrExist.
func (v *Volume) CreateBuild(id string) (*Build, error) {
	if !idForm.MatchString(id) {
		return nil, fmt.Errorf("create build folder: %q is not a build id", id)
	}
	folder := path.Join(folderBuilds, id)
	if err := v.root.Mkdir(folder, 0o700); err != nil {
		return nil, fmt.Errorf("create build folder: %w", err)
	}
	if err := v.syncFolder(folderBuilds); err != nil {
		return nil, err
	}
	return &Build{volume: v, id: id, folder: folder}, nil
}

// Build opens the folder of a build. There is none with that id when the error
// wraps fs.ErrNotExist.
func (v *Volume) Build(id string) (*Build, error) {
	if !idForm.MatchString(id) {
		return nil, fmt.Errorf("build %q: %w", id, fs.ErrNotExist)
	}
	folder := path.Join(folderBuilds, id)
	if _, err := v.root.Stat(folder); err != nil {
		return nil, fmt.Errorf("build %q: %w", id, err)
	}
	return &Build{volume: v, id: id, folder: folder}, nil
}

// Builds returns the ids of all builds, newest first.
func (v *Volume) Builds() ([]string, error) {
	entries, err := fs.ReadDir(v.root.FS(), folderBuilds)
	if err != nil {
		return nil, fmt.Errorf("list builds: %w", err)
	}
	ids := make([]string, 0, len(entries))
	for _, entry := range entries {
		if idForm.MatchString(entry.Name()) {
			ids = append(ids, entry.Name())
		}
	}
	slices.Reverse(ids)
	return ids, nil
}

// ID is the build's id.
func (b *Build) ID() string { return b.id }

// SaveRecord makes the record durable.
func (b *Build) SaveRecord(record []byte) error {
	return b.volume.writeFile(path.Join(b.folder, fileRecord), record, 0o600)
}

// Record returns what SaveRecord saved last.
func (b *Build) Record() ([]byte, error) {
	return b.volume.readFile(path.Join(b.folder, fileRecord), maxRecord)
}

// CreateLog opens the build log for appending, and for reading at any offset.
func (b *Build) CreateLog() (*os.File, error) {
	file, err := b.volume.root.OpenFile(path.Join(b.folder, fileLog), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create build log: %w", err)
	}
	return file, nil
}

// Log opens the build log for reading.
func (b *Build) Log() (*os.File, error) {
	file, err := b.volume.root.Open(path.Join(b.folder, fileLog))
	if err != nil {
		return nil, fmt.Errorf("open build log: %w", err)
	}
	return file, nil
}

// CreateManifest begins a manifest file; name is its file name.
func (b *Build) CreateManifest(name string) (*Partial, error) {
	return b.volume.create(path.Join(b.folder, name), 0o600)
}

// Manifest opens a manifest file for reading.
func (b *Build) Manifest(name string) (*os.File, error) {
	file, err := b.volume.root.Open(path.Join(b.folder, name))
	if err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	return file, nil
}

// SavePublicKey keeps the key that verifies this build's manifest, so that it
// can be served after the server's key has changed.
func (b *Build) SavePublicKey(pem []byte) error {
	return b.volume.writeFile(path.Join(b.folder, filePublicKey), pem, 0o600)
}

// PublicKey returns what SavePublicKey saved.
func (b *Build) PublicKey() ([]byte, error) {
	return b.volume.readFile(path.Join(b.folder, filePublicKey), 64<<10)
}

// Remove removes the build's folder and everything in it.
func (b *Build) Remove() error {
	if err := b.volume.root.RemoveAll(b.folder); err != nil {
		return fmt.Errorf("remove build %s: %w", b.id, err)
	}
	return nil
}
