package volume

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Cleanup after a crash, when the volume is opened. There may be 10,000 builds:
// only the names in their folders are read, where a walk would stat each file.

// removeTrash finishes the removal of builds that a crash interrupted.
func (v *Volume) removeTrash() error {
	names, err := v.names(folderBuilds)
	if err != nil {
		return err
	}
	for _, name := range names {
		id, trash := strings.CutSuffix(name, trashSuffix)
		if !trash || !isID(id) {
			continue
		}
		if err := v.root.RemoveAll(path.Join(folderBuilds, name)); err != nil {
			return err
		}
	}
	return nil
}

// removeTemporary removes the temporary files of interrupted writes.
func (v *Volume) removeTemporary() error {
	return fs.WalkDir(v.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name == folderWork:
			return fs.SkipDir
		case entry.IsDir() && path.Dir(name) == folderBuilds && isID(entry.Name()):
			return v.skipUnlessTemporary(name)
		case !entry.IsDir() && path.Ext(name) == temporarySuffix:
			return v.root.Remove(name)
		}
		return nil
	})
}

// skipUnlessTemporary makes a walk skip the folder of a build, which holds only
// files, unless one of them is a temporary file.
func (v *Volume) skipUnlessTemporary(folder string) error {
	names, err := v.names(folder)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(names, func(name string) bool { return path.Ext(name) == temporarySuffix }) {
		return nil
	}
	return fs.SkipDir
}

// names returns the names of the entries of a folder, in no order.
func (v *Volume) names(folder string) ([]string, error) {
	opened, err := v.root.Open(folder)
	if err != nil {
		return nil, err
	}
	names, err := opened.Readdirnames(-1)
	return names, errors.Join(err, opened.Close())
}
