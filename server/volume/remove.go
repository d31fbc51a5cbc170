package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"
)

// trashSuffix marks the folder of a build that is being removed.
const trashSuffix = ".removed"

// Remove renames the folder first: the rest of its files is removed when the volume is
// opened again after a crash.
func (b *build) Remove() error {
	trash := b.folder + trashSuffix
	if err := b.volume.root.Rename(b.folder, trash); err != nil {
		return fmt.Errorf("remove build %s: %w", b.id, err)
	}
	if err := b.volume.syncFolder(folderBuilds); err != nil {
		return fmt.Errorf("remove build %s: %w", b.id, err)
	}
	if err := b.volume.root.RemoveAll(trash); err != nil {
		return fmt.Errorf("remove build %s: %w", b.id, err)
	}
	return nil
}

func (b *build) RemoveManifest() error {
	return b.remove(isManifest)
}

func (b *build) RemoveOutputs() error {
	return b.remove(func(name string) bool { return isManifest(name) || name == fileLog })
}

func isManifest(name string) bool { return strings.HasSuffix(name, manifestSuffix) }

func (b *build) remove(which func(name string) bool) error {
	entries, err := fs.ReadDir(b.volume.root.FS(), b.folder)
	if err != nil {
		return fmt.Errorf("remove files of build %s: %w", b.id, err)
	}
	removed := false
	for _, entry := range entries {
		if !which(entry.Name()) {
			continue
		}
		if err := b.volume.root.Remove(path.Join(b.folder, entry.Name())); err != nil {
			return fmt.Errorf("remove files of build %s: %w", b.id, err)
		}
		removed = true
	}
	if !removed {
		return nil
	}
	return b.volume.syncFolder(b.folder)
}

// manifestSuffix ends the names of manifests.
const manifestSuffix = ".tbz"

func (b *build) Contents() (Contents, error) {
	entries, err := fs.ReadDir(b.volume.root.FS(), b.folder)
	if err != nil {
		return Contents{}, fmt.Errorf("look at build %s: %w", b.id, err)
	}
	var contents Contents
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // a temporary file
		}
		if err != nil {
			return Contents{}, fmt.Errorf("look at build %s: %w", b.id, err)
		}
		space := info.Size()
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			space = stat.Blocks * 512 // the unit of st_blocks, see stat(2)
		}
		contents.Space += space
		if isManifest(entry.Name()) {
			contents.Manifest = info.Size()
		}
		if isManifest(entry.Name()) || entry.Name() == fileLog {
			contents.Large += space
		}
	}
	return contents, nil
}
