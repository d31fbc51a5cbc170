package volume

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// temporarySuffix ends the names of files that are not complete yet.
const temporarySuffix = ".partial"

// writeFile atomically and durably replaces the content of the file name.
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

// atomicFile is an AtomicFile of a volume.
type atomicFile struct {
	volume *Volume
	file   *os.File
	name   string
}

func (v *Volume) create(name string, mode fs.FileMode) (*atomicFile, error) {
	file, err := v.root.OpenFile(name+temporarySuffix, os.O_CREATE|os.O_TRUNC|os.O_RDWR, mode)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return &atomicFile{volume: v, file: file, name: name}, nil
}

func (p *atomicFile) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	if err != nil {
		return n, fmt.Errorf("write %s: %w", p.name, err)
	}
	return n, nil
}

func (p *atomicFile) Open() (*io.SectionReader, error) {
	info, err := p.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p.name, err)
	}
	return io.NewSectionReader(p.file, 0, info.Size()), nil
}

// Commit syncs the file, renames it to its final name, and syncs the folder. When
// syncing or renaming the file fails, the temporary file is removed.
func (p *atomicFile) Commit() error {
	err := errors.Join(p.file.Sync(), p.file.Close())
	if err == nil {
		err = p.volume.root.Rename(p.name+temporarySuffix, p.name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", p.name, errors.Join(err, p.volume.root.Remove(p.name+temporarySuffix)))
	}
	return p.volume.syncFolder(path.Dir(p.name))
}

func (p *atomicFile) Discard() error {
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
