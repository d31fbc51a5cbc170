package gitstore

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// CreateFolder makes a new folder, and those above it that are missing, and opens
// it. The folder itself must not be there.
func CreateFolder(root *os.Root, name string) (*os.Root, error) {
	if parent := path.Dir(name); parent != "." {
		if err := makeFolders(root, parent); err != nil {
			return nil, err
		}
	}
	if err := makeFolder(root, name); err != nil {
		return nil, err
	}
	folder, err := root.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	return folder, nil
}

// WriteGitFile writes the file .git of the work tree of a submodule, which names
// its Git folder by a relative path.
func WriteGitFile(worktree *os.Root, folder string) error {
	return writeText(worktree, ".git", "gitdir: "+folder+"\n")
}

// makeFolder makes a new folder with the same mode under every umask.
func makeFolder(root *os.Root, name string) error {
	if err := root.Mkdir(name, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := root.Chmod(name, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	return nil
}

// makeFolders makes a folder and those above it that are missing.
func makeFolders(root *os.Root, name string) error {
	for i := range len(name) + 1 {
		if i < len(name) && name[i] != '/' {
			continue
		}
		if err := makeFolder(root, name[:i]); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func writeText(root *os.Root, name, text string) error {
	return writeFile(root, name, 0o644, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// writeFile writes a new file. A name that exists already, even as a symbolic
// link, is an error.
func writeFile(root *os.Root, name string, mode os.FileMode, fill func(io.Writer) error) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	buffered := bufio.NewWriterSize(file, 32<<10)
	err = fill(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err := errors.Join(err, file.Chmod(mode), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
