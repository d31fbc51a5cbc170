package volume

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// temporarySuffix marks files that are not whole yet.
const temporarySuffix = ".partial"

// writeFile replaces name by content: all of it, or nothing, also over a crash.
func (v *Volume) writeFile(name string, content []byte, mode fs.FileMode) error {
	file, err := v.create(name, mode)
	if err != nil {
		return err
	}
	if _, err := file.Write(content); err != nil {
		return errors.Join(err, file.Discard())
	}
	return file.Commit()
}

// AtomicFile is a file being written. It becomes visible under its name, whole and
// durable, with Commit; until then, and after Discard, the name is as it was.
type AtomicFile struct {
	volume *Volume
	file   *os.File
	name   string
}

func (v *Volume) create(name string, mode fs.FileMode) (*AtomicFile, error) {
	file, err := v.root.OpenFile(name+temporarySuffix, os.O_CREATE|os.O_TRUNC|os.O_RDWR, mode)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return &AtomicFile{volume: v, file: file, name: name}, nil
}

func (p *AtomicFile) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	if err != nil {
		return n, fmt.Errorf("write %s: %w", p.name, err)
	}
	return n, nil
}

// Open returns a reader over all that was written so far, and its size.
func (p *AtomicFile) Open() (*io.SectionReader, error) {
	info, err := p.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read %s again: %w", p.name, err)
	}
	return io.NewSectionReader(p.file, 0, info.Size()), nil
}

// Commit syncs the file, gives it its name, and syncs the folder. When it fails,
// nothing of it is left.
func (p *AtomicFile) Commit() error {
	err := errors.Join(p.file.Sync(), p.file.Close())
	if err == nil {
		err = p.volume.root.Rename(p.name+temporarySuffix, p.name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", p.name, errors.Join(err, p.volume.root.Remove(p.name+temporarySuffix)))
	}
	return p.volume.syncFolder(path.Dir(p.name))
}

// Discard removes what was written.
func (p *AtomicFile) Discard() error {
	return errors.Join(p.file.Close(), p.volume.root.Remove(p.name+temporarySuffix))
}

func (v *Volume) syncFolder(name string) error {
	folder, err := v.root.Open(name)
	if err != nil {
		return fmt.Errorf("sync folder %s: %w", name, err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", name, err)
	}
	return nil
}
