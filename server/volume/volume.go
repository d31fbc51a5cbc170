package volume

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Sealer encrypts and decrypts secrets under a name. The enclave implements it.
type Sealer interface {
	Seal(name string, text []byte) ([]byte, error)
	Unseal(name string, sealed []byte) ([]byte, error)
}

// Volume is an open data volume. It is safe for concurrent use as long as no
// two goroutines write the same file.
type Volume struct {
	dir    string
	root   *os.Root
	builds *os.File // the folder of that name, for RecordStamp
	lock   *os.File
	sealer Sealer
}

// ErrInUse means that another server has opened the volume.
var ErrInUse = errors.New("another server uses this data volume: stop it first")

const (
	folderSealed = "sealed"
	folderBuilds = "builds"
	folderWork   = "work"

	folderLookaside = "lookaside" // created on first use

	fileLock = "lock"
	fileJob  = "job.json"
)

// Open opens the data volume in the folder dir, creates missing folders, empties
// the scratch space, removes the temporary files of interrupted writes, and
// finishes an interrupted import.
func Open(dir string, sealer Sealer) (*Volume, error) {
	v, err := open(dir, sealer)
	if err != nil {
		return nil, fmt.Errorf("open data volume %s: %w", dir, Unwritable(err))
	}
	return v, nil
}

func open(dir string, sealer Sealer) (v *Volume, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	v = &Volume{dir: dir, root: root, sealer: sealer}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.Close())
		}
	}()
	if v.lock, err = lock(root); err != nil {
		return v, err
	}
	for _, folder := range []string{folderSealed, folderBuilds} {
		if err = root.MkdirAll(folder, 0o700); err != nil {
			return v, err
		}
	}
	if v.builds, err = root.Open(folderBuilds); err != nil {
		return v, err
	}
	if err = v.removeTrash(); err != nil {
		return v, err
	}
	if err = v.EmptyWork(); err != nil {
		return v, err
	}
	if err = v.removeTemporary(); err != nil {
		return v, err
	}
	return v, v.resumeImport()
}

// resumeImport finishes an import that a crash interrupted. A journal that does
// not open is no error here, so that the rest of the volume remains usable: Import
// and FinishImport return that error, which names the journal.
func (v *Volume) resumeImport() error {
	err := v.FinishImport()
	var sealed *SealedError
	if errors.As(err, &sealed) && sealed.File == fileImport {
		return nil
	}
	return err
}

// lock excludes a second server. The kernel releases the lock when the process
// ends, however it ends. The file is opened read-only, so that the file system can
// be made read-only while no build runs.
func lock(root *os.Root) (*os.File, error) {
	file, err := root.OpenFile(fileLock, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return file, nil
}

// Close closes the volume and releases its lock.
func (v *Volume) Close() error {
	err := v.root.Close()
	if v.builds != nil {
		err = errors.Join(err, v.builds.Close())
	}
	if v.lock != nil {
		err = errors.Join(err, v.lock.Close())
	}
	return err
}

// Work returns the absolute path of the scratch space.
func (v *Volume) Work() string {
	return filepath.Join(v.dir, folderWork)
}

// EmptyWork removes everything in the scratch space.
func (v *Volume) EmptyWork() error {
	if err := v.root.RemoveAll(folderWork); err != nil {
		return fmt.Errorf("empty scratch space: %w", err)
	}
	if err := v.root.Mkdir(folderWork, 0o700); err != nil {
		return fmt.Errorf("empty scratch space: %w", err)
	}
	return nil
}
