package volume

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// build is the folder of one build.
type build struct {
	volume *Volume
	id     string
	folder string
}

// IDLayout is the form of a build's id, as a layout of package time.
const IDLayout = "2006-01-02_15-04-05.000000"

// isID reports whether name has the form of IDLayout: a digit wherever IDLayout
// has one, and otherwise the same character. A regular expression would take most
// of the time of listing 10,000 builds.
func isID(name string) bool {
	if len(name) != len(IDLayout) {
		return false
	}
	for i := range len(name) {
		want := IDLayout[i]
		if isDigit(want) && !isDigit(name[i]) || !isDigit(want) && name[i] != want {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

const (
	fileRecord    = "record.json"
	fileLog       = "build.log"
	filePublicKey = "public.pem"
	maxRecord     = 16 << 20
)

// Builds is the view of the volume that stores one folder for each build.
type Builds struct{ volume *Volume }

// Builds returns the builds of the volume.
func (v *Volume) Builds() Builds { return Builds{v} }

// Create creates the folder of a new build. The error wraps fs.ErrExist when
// the id is already in use.
func (b Builds) Create(id string) (Build, error) {
	if !isID(id) {
		return nil, fmt.Errorf("create build folder: %q is not a build id", id)
	}
	folder := path.Join(folderBuilds, id)
	if err := b.volume.root.Mkdir(folder, 0o700); err != nil {
		return nil, fmt.Errorf("create build folder: %w", err)
	}
	if err := b.volume.syncFolder(folderBuilds); err != nil {
		return nil, err
	}
	return &build{volume: b.volume, id: id, folder: folder}, nil
}

// Open returns the build with that id. The error wraps fs.ErrNotExist when there
// is none.
func (b Builds) Open(id string) (Build, error) {
	if !isID(id) {
		return nil, fmt.Errorf("build %q: %w", id, fs.ErrNotExist)
	}
	folder := path.Join(folderBuilds, id)
	if _, err := b.volume.root.Stat(folder); err != nil {
		return nil, fmt.Errorf("build %q: %w", id, err)
	}
	return &build{volume: b.volume, id: id, folder: folder}, nil
}

// IDs returns the ids of all builds, newest first.
func (b Builds) IDs() ([]string, error) {
	names, err := b.volume.names(folderBuilds)
	if err != nil {
		return nil, fmt.Errorf("list builds: %w", err)
	}
	ids := slices.DeleteFunc(names, func(name string) bool { return !isID(name) })
	slices.SortFunc(ids, func(a, b string) int { return strings.Compare(b, a) })
	return ids, nil
}

func (b *build) ID() string { return b.id }

func (b *build) SaveRecord(record []byte) error {
	return b.volume.writeFile(path.Join(b.folder, fileRecord), withChecksum(record), 0o600)
}

func (b *build) Record() ([]byte, error) {
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

// DamagedError reports a file of a build whose content is not what was written.
type DamagedError struct {
	File  string // from the top of the volume
	cause error
}

var errNotJSON = errors.New("it is cut short or no JSON")

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s of the data volume is damaged: put it back from a backup, or remove the folder of that build (%v)", e.File, e.cause)
}

func (e *DamagedError) Unwrap() error { return e.cause }

func (b *build) CreateLog() (LogFile, error) {
	file, err := b.volume.root.OpenFile(path.Join(b.folder, fileLog), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create build log: %w", err)
	}
	return file, nil
}

func (b *build) Log() (io.ReadCloser, error) {
	file, err := b.volume.root.Open(path.Join(b.folder, fileLog))
	if err != nil {
		return nil, fmt.Errorf("open build log: %w", err)
	}
	return file, nil
}

func (b *build) CreateManifest(name string) (AtomicFile, error) {
	file, err := b.volume.create(path.Join(b.folder, name), 0o600)
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (b *build) Manifest(name string) (io.ReadCloser, error) {
	file, err := b.volume.root.Open(path.Join(b.folder, name))
	if err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	return file, nil
}

func (b *build) SavePublicKey(pem []byte) error {
	return b.volume.writeFile(path.Join(b.folder, filePublicKey), pem, 0o600)
}

func (b *build) PublicKey() ([]byte, error) {
	return b.volume.readFile(path.Join(b.folder, filePublicKey), 64<<10)
}
