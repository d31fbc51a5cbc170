package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a file being written. It takes its name only in Commit.
type File struct {
	temporary *os.File
	mode      fs.FileMode
}

// Create starts a file in folder that will have mode, whatever the umask is.
func Create(folder string, mode fs.FileMode) (*File, error) {
	temporary, err := os.CreateTemp(folder, ".sbs-*.part")
	if err != nil {
		return nil, fmt.Errorf("write a file in %s: %w", folder, err)
	}
	return &File{temporary: temporary, mode: mode}, nil
}

// Write appends to the file.
func (f *File) Write(p []byte) (int, error) { return f.temporary.Write(p) }

// Commit gives the file its name within its folder, replacing what has it.
// After an error nothing of the file is left.
func (f *File) Commit(name string) error {
	path := filepath.Join(filepath.Dir(f.temporary.Name()), name)
	err := errors.Join(f.temporary.Chmod(f.mode), f.temporary.Sync(), f.temporary.Close())
	if err == nil {
		err = os.Rename(f.temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.temporary.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

// Discard gives the file up. After Commit it does nothing, so that it can be
// deferred.
func (f *File) Discard() error {
	if err := f.temporary.Close(); errors.Is(err, os.ErrClosed) {
		return nil
	} else if err != nil {
		return errors.Join(err, os.Remove(f.temporary.Name()))
	}
	return os.Remove(f.temporary.Name())
}

// Write writes data to path, replacing what is there.
func Write(path string, data []byte, mode fs.FileMode) error {
	file, err := Create(filepath.Dir(path), mode)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), file.Discard())
	}
	return file.Commit(filepath.Base(path))
}
