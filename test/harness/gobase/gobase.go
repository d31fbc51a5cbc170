package gobase

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

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
)

// Import imports the image into the engine, under a reference with a registry and a
// tag. folders are additional folders of the machine, by their path in the image
// without a leading slash; environment are additional NAME=VALUE entries.
func Import(ctx context.Context, engine *client.Client, name string, folders map[string]string, environment ...string) error {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("find the machine's Go: %w", err)
	}
	read, write := io.Pipe()
	go func() { write.CloseWithError(writeImage(write, strings.TrimSpace(string(root)), folders)) }()
	variables := append([]string{"PATH=/usr/local/go/bin:/bin", "HOME=/root", "GOTOOLCHAIN=local"}, environment...)
	stream, err := engine.ImageImport(ctx, image.ImportSource{Source: read, SourceName: "-"}, name, image.ImportOptions{
		Changes: []string{"ENV " + strings.Join(variables, " ")},
	})
	if err != nil {
		return errors.Join(fmt.Errorf("import the image %s: %w", name, err), read.Close())
	}
	_, err = io.Copy(io.Discard, stream)
	if err := errors.Join(err, stream.Close(), read.Close()); err != nil {
		return fmt.Errorf("import the image %s: %w", name, err)
	}
	return nil
}

func writeImage(w io.Writer, goroot string, folders map[string]string) error {
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
	if err := addFile(archive, caBundle(), "etc/ssl/certs/ca-certificates.crt"); err != nil {
		return err
	}
	if err := addGo(archive, goroot); err != nil {
		return err
	}
	for to, from := range folders {
		if err := addFolder(archive, from, to); err != nil {
			return err
		}
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

// caBundle returns the path of the machine's CA certificates.
func caBundle() string {
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		return file
	}
	return "/etc/ssl/certs/ca-certificates.crt"
}

// addGo adds the files of a Go installation that builds need.
func addGo(archive *tar.Writer, goroot string) error {
	excluded := []string{"testdata", "cmd", "api", "doc", "misc", "test", "gofmt", "cover", "vet", "fix"}
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
		case entry.IsDir() && (entry.Name() == "testdata" || shallow && slices.Contains(excluded, entry.Name())):
			return fs.SkipDir
		case entry.IsDir(), strings.HasSuffix(name, "_test.go"), shallow && slices.Contains(excluded, entry.Name()):
			return nil
		}
		return addFile(archive, name, path.Join("usr/local/go", filepath.ToSlash(relative)))
	})
}

// addFolder adds the files of a folder.
func addFolder(archive *tar.Writer, from, to string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		return addFile(archive, name, path.Join(to, filepath.ToSlash(relative)))
	})
}

// addFile adds a file, or the target of a symbolic link.
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
