package volume

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Sealer is what the volume asks of the enclave.
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

// ErrInUse means that another server has the volume open.
var ErrInUse = errors.New("another server uses this data volume: stop it first")

const (
	folderSealed = "sealed"
	folderBuilds = "builds"
	folderWork   = "work"

	folderLookaside = "lookaside" // made at its first use

	fileLock = "lock"
	fileJob  = "job.json"
)

// Open opens the data volume in the folder dir, makes what is missing, empties
// the scratch space and removes the temporary files of interrupted writes.
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
// not open keeps nobody from what was there before it: Import, and whoever else
// must have it finished, get the same error and name it.
func (v *Volume) resumeImport() error {
	err := v.FinishImport()
	var sealed *SealedError
	if errors.As(err, &sealed) && sealed.File == fileImport {
		return nil
	}
	return err
}

// lock keeps a second server away. The kernel drops it when the process ends,
// however it ends. The file is opened for reading alone, so that the file system
// can be made read-only while no build runs.
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

// Close gives the volume free.
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

// Work is the absolute path of the scratch space.
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

// SaveJob makes the state of the job durable.
func (v *Volume) SaveJob(state []byte) error {
	return v.writeFile(fileJob, state, 0o600)
}

// LoadJob returns what SaveJob saved last, or an error that wraps
// fs.ErrNotExist on a new volume.
func (v *Volume) LoadJob() ([]byte, error) {
	state, err := v.root.ReadFile(fileJob)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", fileJob, err)
	}
	return state, nil
}
