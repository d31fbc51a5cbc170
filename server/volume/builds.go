package volume

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
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

// isID reports whether name has digits where IDLayout has, and else its signs. A
// regular expression would take most of the time of listing 10,000 builds.
func isID(name string) bool {
	if len(name) != len(IDLayout) {
		return false
	}
	for i := range len(name) {
		sign, digit := IDLayout[i], name[i] >= '0' && name[i] <= '9'
		if isSign := sign < '0' || sign > '9'; isSign && name[i] != sign || !isSign && !digit {
			return false
		}
	}
	return true
}

const (
	fileRecord    = "record.json"
	fileLog       = "build.log"
	filePublicKey = "public.pem"
	maxRecord     = 16 << 20
)

// CreateBuild makes the folder of a new build. An id that is taken is an error
// that wraps fs.ErrExist.
func (v *Volume) CreateBuild(id string) (*Build, error) {
	if !isID(id) {
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
	if !isID(id) {
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
	names, err := v.names(folderBuilds)
	if err != nil {
		return nil, fmt.Errorf("list builds: %w", err)
	}
	ids := slices.DeleteFunc(names, func(name string) bool { return !isID(name) })
	slices.SortFunc(ids, func(a, b string) int { return strings.Compare(b, a) })
	return ids, nil
}

// ID is the build's id.
func (b *Build) ID() string { return b.id }

// SaveRecord makes the record, a JSON object, durable.
func (b *Build) SaveRecord(record []byte) error {
	return b.volume.writeFile(path.Join(b.folder, fileRecord), withChecksum(record), 0o600)
}

// Record returns what SaveRecord saved last. A build that has none is an error
// that wraps fs.ErrNotExist; one whose record is not what was saved is a
// *DamagedError.
func (b *Build) Record() ([]byte, error) {
	name := path.Join(b.folder, fileRecord)
	file, err := b.volume.readFile(name, maxRecord)
	if err != nil {
		return nil, err
	}
	record, err := withoutChecksum(file)
	if err != nil {
		return nil, &DamagedError{name, err}
	}
	if !json.Valid(record) {
		return nil, &DamagedError{name, errNotJSON}
	}
	return record, nil
}

// DamagedError is a file of a build that is not what was written.
type DamagedError struct {
	File  string // from the top of the volume
	cause error
}

var errNotJSON = errors.New("it is cut short or no JSON")

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s of the data volume is damaged: put it back from a backup, or remove the folder of that build (%v)", e.File, e.cause)
}

func (e *DamagedError) Unwrap() error { return e.cause }

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

// CreateManifest begins a manifest file; name is its file name, with the ending
// .tbz or .sig.tbz.
func (b *Build) CreateManifest(name string) (*AtomicFile, error) {
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
