package gitserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Modes of a [File] (gitformat-index, "32-bit mode").
const (
	Regular    = "100644"
	Executable = "100755"
	Symlink    = "120000"
	Submodule  = "160000"
)

// File is one path of a commit.
type File struct {
	Mode    string // "" is Regular
	Content string // of a file; the target of a symlink; the commit id of a submodule
	From    string // path of a file on disk with the content, instead of Content
}

// Change is the input of Commit.
type Change struct {
	Branch  string          // created if it does not exist, else its commit is the parent; "" is main
	Message string          // "" is "change"
	Time    time.Time       // zero is Epoch
	Files   map[string]File // by path: all files, not only the changed ones
}

// Epoch is the default time of commits, so that commit ids are the same in every
// run.
var Epoch = time.Date(2024, time.January, 2, 3, 4, 5, 0, time.UTC)

// Author is the author and committer of every commit.
const Author = "Ada Lovelace <ada@example.com>"

// CreateRepository creates a bare repository with one commit on main and returns the
// commit id, which depends on the files only. If files is nil, there is no commit.
func CreateRepository(ctx context.Context, root, name string, files map[string]File) (string, error) {
	folder := filepath.Join(root, name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("create repository: %w", err)
	}
	if _, err := Git(ctx, folder, nil, "init", "--quiet", "--bare", "--initial-branch=main", "."); err != nil {
		return "", err
	}
	if files == nil {
		return "", nil
	}
	return Commit(ctx, root, name, Change{Files: files})
}

// Commit adds a commit to a repository and returns its id.
func Commit(ctx context.Context, root, name string, change Change) (string, error) {
	folder := filepath.Join(root, name)
	if change.Branch == "" {
		change.Branch = "main"
	}
	branch := "refs/heads/" + change.Branch
	parent, err := Git(ctx, folder, nil, "for-each-ref", "--format=%(objectname)", branch)
	if err != nil {
		return "", err
	}
	read, write := io.Pipe()
	go func() { write.CloseWithError(writeImport(write, branch, parent, change)) }()
	_, err = Git(ctx, folder, read, "-c", "core.compression=1", "fast-import", "--quiet", "--force")
	if err := errors.Join(err, read.Close()); err != nil {
		return "", err
	}
	return Git(ctx, folder, nil, "rev-parse", branch)
}

// writeImport writes the commit in the format of git fast-import.
func writeImport(w io.Writer, branch, parent string, change Change) error {
	out := bufio.NewWriter(w)
	when, message := change.Time, change.Message
	if when.IsZero() {
		when = Epoch
	}
	if message == "" {
		message = "change"
	}
	fmt.Fprintf(out, "commit %s\ncommitter %s %d +0000\ndata %d\n%s\n", branch, Author, when.Unix(), len(message), message)
	if parent != "" {
		fmt.Fprintf(out, "from %s\ndeleteall\n", parent)
	}
	for _, path := range slices.Sorted(maps.Keys(change.Files)) {
		if err := writeImportFile(out, path, change.Files[path]); err != nil {
			return err
		}
	}
	return out.Flush()
}

func writeImportFile(out *bufio.Writer, path string, file File) error {
	mode := file.Mode
	if mode == "" {
		mode = Regular
	}
	if mode == Submodule {
		fmt.Fprintf(out, "M %s %s %s\n", mode, file.Content, strconv.Quote(path))
		return nil
	}
	if file.From == "" {
		fmt.Fprintf(out, "M %s inline %s\ndata %d\n%s\n", mode, strconv.Quote(path), len(file.Content), file.Content)
		return nil
	}
	from, err := os.Open(file.From)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // was only read
	info, err := from.Stat()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "M %s inline %s\ndata %d\n", mode, strconv.Quote(path), info.Size())
	if _, err := io.Copy(out, from); err != nil {
		return err
	}
	return out.WriteByte('\n')
}

// Folder returns the files of a folder except .git, for a commit.
func Folder(dir string) (map[string]File, error) {
	files := map[string]File{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if entry != nil && entry.Name() == ".git" {
				return fs.SkipDir
			}
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		file := File{From: path}
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			file = File{Mode: Symlink, Content: target}
		case info.Mode()&0o100 != 0:
			file.Mode = Executable
		}
		files[filepath.ToSlash(name)] = file
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	return files, nil
}

// Git runs git in a folder, with the identity Author and the date Epoch and without
// the user's configuration. It returns the output without the final newline.
func Git(ctx context.Context, folder string, stdin io.Reader, arguments ...string) (string, error) {
	git, err := findGit()
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, git, arguments...)
	command.Dir, command.Stdin = folder, stdin
	command.Env = append(baseEnvironment(),
		"GIT_AUTHOR_NAME=Ada Lovelace", "GIT_AUTHOR_EMAIL=ada@example.com",
		"GIT_COMMITTER_NAME=Ada Lovelace", "GIT_COMMITTER_EMAIL=ada@example.com",
		fmt.Sprintf("GIT_AUTHOR_DATE=%d +0000", Epoch.Unix()), fmt.Sprintf("GIT_COMMITTER_DATE=%d +0000", Epoch.Unix()))
	var messages bytes.Buffer
	command.Stderr = &messages
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(messages.String()))
	}
	return strings.TrimRight(string(out), "\n"), nil
}

func findGit() (string, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return "", fmt.Errorf("git server: install git: %w", err)
	}
	return git, nil
}

// baseEnvironment returns an environment in which git ignores the user's settings.
func baseEnvironment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C"}
}

// environment returns the environment of git upload-pack and git http-backend.
func (s *Server) environment() []string {
	return append(baseEnvironment(), "GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=uploadpack.allowAnySHA1InWant",
		"GIT_CONFIG_VALUE_0="+strconv.FormatBool(s.options.AllowAnySHA1InWant))
}
