package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// newFolder opens an empty folder, made here unless it is there. undo leaves it
// as it was found.
func newFolder(dir string) (root *os.Root, undo func() error, err error) {
	made := true
	if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrExist) {
		made = false
	} else if err != nil {
		return nil, nil, fmt.Errorf("make folder: %w", err)
	}
	root, err = os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("open folder: %w", err)
	}
	there, err := names(root)
	if err == nil && len(there) > 0 {
		err = fmt.Errorf("the folder %s is not empty", dir)
	}
	if err != nil {
		return nil, nil, errors.Join(err, root.Close())
	}
	undo = func() error {
		there, err := names(root)
		for _, name := range there {
			err = errors.Join(err, root.RemoveAll(name))
		}
		if made {
			err = errors.Join(err, os.Remove(dir))
		}
		if err != nil {
			return fmt.Errorf("clean up: %w", err)
		}
		return nil
	}
	return root, undo, nil
}

func names(root *os.Root) ([]string, error) {
	folder, err := root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	found, err := folder.Readdirnames(-1)
	if err := errors.Join(err, folder.Close()); err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	return found, nil
}
