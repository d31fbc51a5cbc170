//go:build stack

// A base image for Go programs, made of what the machine has: its Go, its
// busybox, its certificate authorities. No registry outside the stack is asked.
package e2e

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"
)

// goImage imports the image into the engine for the length of a test, and
// returns its name.
func (l *lab) goImage(t *testing.T) string {
	t.Helper()
	name := l.Registry.Address() + "/base/go:1"
	root := strings.TrimSpace(must(t, t.TempDir(), nil, "", "go", "env", "GOROOT").out)
	read, write := io.Pipe()
	go func() { write.CloseWithError(writeGoImage(write, root)) }()
	stream, err := l.docker.ImageImport(t.Context(), image.ImportSource{Source: read, SourceName: "-"}, name, image.ImportOptions{
		Changes: []string{"ENV PATH=/usr/local/go/bin:/bin HOME=/root GOTOOLCHAIN=local"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, stream)
	if err := errors.Join(err, stream.Close(), read.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := l.docker.ImageRemove(context.Background(), name, image.RemoveOptions{}); err != nil {
			t.Error(err)
		}
	})
	return name
}

func writeGoImage(w io.Writer, goroot string) error {
	archive := tar.NewWriter(w)
	for _, folder := range []string{"bin/", "root/", "src/"} {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder, Mode: 0o755}); err != nil {
			return err
		}
	}
	if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}); err != nil {
		return err
	}
	if err := addBusybox(archive); err != nil {
		return err
	}
	if err := addFile(archive, authorities(), "etc/ssl/certs/ca-certificates.crt"); err != nil {
		return err
	}
	if err := addGo(archive, goroot); err != nil {
		return err
	}
	return archive.Close()
}

func addBusybox(archive *tar.Writer) error {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	if err := addFile(archive, busybox, "bin/busybox"); err != nil {
		return err
	}
	return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/sh", Linkname: "busybox"})
}

// authorities is the file with the certificate authorities that the machine
// trusts, its own ones included.
func authorities() string {
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		return file
	}
	return "/etc/ssl/certs/ca-certificates.crt"
}

// addGo adds of a Go installation what building needs.
func addGo(archive *tar.Writer, goroot string) error {
	needless := []string{"testdata", "cmd", "api", "doc", "misc", "test", "gofmt", "cover", "vet", "fix"}
	return filepath.WalkDir(goroot, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(goroot, name)
		if err != nil {
			return err
		}
		shallow := strings.Count(relative, "/") < 2 || strings.HasPrefix(relative, "pkg/tool/")
		switch {
		case entry.IsDir() && (entry.Name() == "testdata" || shallow && slices.Contains(needless, entry.Name())):
			return fs.SkipDir
		case entry.IsDir(), strings.HasSuffix(name, "_test.go"), shallow && slices.Contains(needless, entry.Name()):
			return nil
		}
		return addFile(archive, name, path.Join("usr/local/go", filepath.ToSlash(relative)))
	})
}

// addFile adds a file, links followed.
func addFile(archive *tar.Writer, from, to string) (err error) {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	header := &tar.Header{Name: to, Mode: int64(info.Mode().Perm() | 0o444), Size: info.Size()}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if _, err := io.Copy(archive, file); err != nil {
		return fmt.Errorf("add %s: %w", from, err)
	}
	return nil
}
