package engine

// The classic builder takes its context as one tar stream. The same library
// that feeds BuildKit writes it, so that both builders see the same files, with
// the same owner.

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"

	"github.com/opensbs/sbs/server/builder/solve"
)

// contextArchive is a build context ready to be written as a tar.
type contextArchive struct {
	files      fsutil.FS
	dockerfile string       // path of the Dockerfile in the archive
	injected   []inlineFile // files that are not in the context's folder
}

type inlineFile struct {
	name    string
	content []byte
}

// newContextArchive applies the ignore file. The Dockerfile and the ignore file
// themselves are always sent; the Engine takes them out of the context when the
// ignore file names them.
func newContextArchive(request BuildRequest) (*contextArchive, error) {
	patterns, err := ignorePatterns(request)
	if err != nil {
		return nil, err
	}
	archive := &contextArchive{}
	inside, err := filepath.Rel(request.ContextDir, request.Dockerfile)
	if err == nil && filepath.IsLocal(inside) {
		archive.dockerfile = filepath.ToSlash(inside)
		patterns, err = sendAlways(patterns, solve.IgnoreFile, archive.dockerfile)
	} else {
		err = archive.inject(request)
		patterns = append(patterns, solve.IgnoreFile)
	}
	if err != nil {
		return nil, err
	}
	archive.files, err = filtered(request.ContextDir, patterns)
	return archive, err
}

// inject adds a Dockerfile from outside the context, and an ignore file that
// makes the Engine take it out of the context again, as the docker command
// does. Its name follows from its content, so that equal builds stay equal.
func (a *contextArchive) inject(request BuildRequest) error {
	dockerfile, err := readBounded(request.Dockerfile)
	if err != nil {
		return fmt.Errorf("read the Dockerfile: %w", err)
	}
	a.dockerfile = fmt.Sprintf(".dockerfile.%x", sha256.Sum256(dockerfile))
	ignore, err := readBounded(filepath.Join(request.ContextDir, solve.IgnoreFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		ignore = []byte(solve.IgnoreFile + "\n" + a.dockerfile + "\n")
	case err != nil:
		return fmt.Errorf("read %s: %w", solve.IgnoreFile, err)
	default:
		ignore = append(ignore, []byte("\n"+a.dockerfile+"\n")...)
	}
	a.injected = []inlineFile{{solve.IgnoreFile, ignore}, {a.dockerfile, dockerfile}}
	return nil
}

// write writes the archive to w.
func (a *contextArchive) write(ctx context.Context, w io.Writer) error {
	head := tar.NewWriter(w)
	for _, file := range a.injected {
		header := &tar.Header{Name: file.name, Mode: 0o644, Size: int64(len(file.content))}
		if err := head.WriteHeader(header); err != nil {
			return fmt.Errorf("send the build context: %w", err)
		}
		if _, err := head.Write(file.content); err != nil {
			return fmt.Errorf("send the build context: %w", err)
		}
	}
	// Not Close: the archive goes on, and WriteTar ends it.
	if err := head.Flush(); err != nil {
		return fmt.Errorf("send the build context: %w", err)
	}
	if err := fsutil.WriteTar(ctx, a.files, w); err != nil {
		return fmt.Errorf("send the build context: %w", err)
	}
	return nil
}

// ignorePatterns reads the ignore file that applies: the Dockerfile's own
// ("Dockerfile.dockerignore"), as with BuildKit, or the context's.
func ignorePatterns(request BuildRequest) ([]string, error) {
	for _, path := range []string{request.Dockerfile + solve.IgnoreFile, filepath.Join(request.ContextDir, solve.IgnoreFile)} {
		content, err := readBounded(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(content))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
		}
		return patterns, nil
	}
	return nil, nil
}

// readBounded reads a regular file of a clone. A symbolic link is refused: it
// could name a file of the server.
func readBounded(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", filepath.Base(path))
	}
	if info.Size() > solve.MaxDockerfile {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are allowed", filepath.Base(path), info.Size(), solve.MaxDockerfile)
	}
	return os.ReadFile(path)
}

// literal makes a file's name a pattern that matches this name only.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// sendAlways adds exceptions for names to patterns that would leave them out.
func sendAlways(patterns []string, names ...string) ([]string, error) {
	for _, name := range names {
		ignored, err := patternmatcher.MatchesOrParentMatches(name, patterns)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", solve.IgnoreFile, err)
		}
		if ignored {
			patterns = append(patterns, "!"+literal.Replace(name))
		}
	}
	return patterns, nil
}

// filtered is the folder without what patterns name, all of it owned by root as
// in any build.
func filtered(dir string, patterns []string) (fsutil.FS, error) {
	files, err := fsutil.NewFS(dir)
	if err != nil {
		return nil, fmt.Errorf("open the build context: %w", err)
	}
	files, err = fsutil.NewFilterFS(files, &fsutil.FilterOpt{
		ExcludePatterns: patterns,
		Map: func(_ string, stat *types.Stat) fsutil.MapResult {
			stat.Uid, stat.Gid = 0, 0
			return fsutil.MapResultKeep
		},
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", solve.IgnoreFile, err)
	}
	return files, nil
}
