package solve

// The files of a build: a context and a Dockerfile out of a cloned repository, which
// nobody trusts.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tonistiigi/fsutil"

	"github.com/opensbs/sbs/server/progress"
)

// IgnoreFile is the name of the file that names what is not part of a context; a
// Dockerfile's own has the Dockerfile's name before it.
const IgnoreFile = ".dockerignore"

// MaxDockerfile bounds a Dockerfile and an ignore file, in bytes.
const MaxDockerfile = 4 << 20

// CheckFiles refuses paths that are not absolute or have a symbolic link in them, and a
// Dockerfile or an ignore file that is too large.
func CheckFiles(contextDir, dockerfile string) error {
	if err := checkPath("context", contextDir); err != nil {
		return err
	}
	if err := checkPath("Dockerfile", dockerfile); err != nil {
		return err
	}
	dir, name := filepath.Split(dockerfile)
	for _, file := range []struct{ dir, name string }{{dir, name}, {dir, name + IgnoreFile}, {contextDir, IgnoreFile}} {
		if err := checkSize(file.dir, file.name); err != nil {
			return err
		}
	}
	return nil
}

// checkPath refuses a path with a symbolic link in it: in a cloned repository,
// that is a way out of the clone.
func checkPath(what, path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%s %q: the path is not absolute", what, path)
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if resolved != filepath.Clean(path) {
		return fmt.Errorf("%s %q: the path holds a symbolic link", what, path)
	}
	return nil
}

// checkSize bounds a file that builders read as a whole, in memory. A link is
// followed within its folder, as BuildKit does.
func checkSize(dir, name string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // only a handle
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%s: it must be a file within its folder, or a link to one: %w", name, err)
	case info.Size() > MaxDockerfile:
		return fmt.Errorf("%s has %d bytes, at most %d are allowed", name, info.Size(), MaxDockerfile)
	}
	return nil
}

// ReportingFS returns files whose reading is reported as progress of ctx.
func ReportingFS(ctx context.Context, files fsutil.FS) fsutil.FS { return reportingFS{files, ctx} }

// reportingFS reports each byte of its files that the builder takes as progress.
type reportingFS struct {
	fsutil.FS
	ctx context.Context //nolint:containedctx // of the one build that the folder is opened for
}

func (f reportingFS) Open(name string) (io.ReadCloser, error) {
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{progress.Reader(f.ctx, file), file}, nil
}
