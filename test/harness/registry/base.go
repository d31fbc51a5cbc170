package registry

// The base image of the stack. The stack contacts no other registry, so the image
// is made from the machine's static busybox.

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Base returns an image with busybox and its commands.
func Base(ctx context.Context) (v1.Image, error) {
	program, err := staticBusybox(ctx)
	if err != nil {
		return nil, err
	}
	image, err := busyboxImage(program)
	if err != nil {
		return nil, fmt.Errorf("make the base image: %w", err)
	}
	return image, nil
}

// Push pushes an image to the registry. reference is without the registry's
// address: namespace/name:tag.
func (s *Server) Push(ctx context.Context, reference string, image v1.Image) error {
	tag, err := name.NewTag(s.Address()+"/"+reference, name.Insecure)
	if err != nil {
		return fmt.Errorf("parse the image reference: %w", err)
	}
	account := authn.FromConfig(authn.AuthConfig{Username: s.writer.User, Password: s.writer.Password})
	if err := remote.Write(tag, image, remote.WithAuth(account), remote.WithContext(ctx)); err != nil {
		return fmt.Errorf("push the image %s: %w", tag, err)
	}
	return nil
}

// busybox is the program and the names of its commands.
type busybox struct {
	binary   []byte
	commands []string
}

// staticBusybox reads the machine's busybox. It must be statically linked, because
// the image has no libraries.
func staticBusybox(ctx context.Context) (busybox, error) {
	const advice = `install the package "busybox-static"`
	path, err := exec.LookPath("busybox")
	if err != nil {
		return busybox{}, fmt.Errorf("find busybox: %w: %s", err, advice)
	}
	file, err := elf.Open(path)
	if err != nil {
		return busybox{}, fmt.Errorf("read %s: %w", path, err)
	}
	libraries, err := file.ImportedLibraries()
	if err := errors.Join(err, file.Close()); err != nil {
		return busybox{}, fmt.Errorf("read %s: %w", path, err)
	}
	if len(libraries) > 0 {
		return busybox{}, fmt.Errorf("%s needs %s, which the image does not have: %s", path, libraries[0], advice)
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		return busybox{}, fmt.Errorf("read busybox: %w", err)
	}
	list, err := exec.CommandContext(ctx, path, "--list").Output()
	if err != nil {
		return busybox{}, fmt.Errorf("list the commands of %s: %w", path, err)
	}
	return busybox{binary: binary, commands: lines(list)}, nil
}

// busyboxImage returns an image with the program, a link for each of its commands,
// and the folders that shell scripts need.
func busyboxImage(program busybox) (v1.Image, error) {
	content, err := layer(program)
	if err != nil {
		return nil, err
	}
	rootfs, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	})
	if err != nil {
		return nil, fmt.Errorf("compress the layer: %w", err)
	}
	image, err := mutate.AppendLayers(empty.Image, rootfs)
	if err != nil {
		return nil, fmt.Errorf("append the layer: %w", err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read the image's configuration: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config.Env = []string{"PATH=/bin"}
	config.Config.Cmd = []string{"/bin/sh"}
	return mutate.ConfigFile(image, config)
}

func layer(program busybox) ([]byte, error) {
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	entries := []*tar.Header{
		{Typeflag: tar.TypeDir, Name: "bin/", Mode: 0o755},
		{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o755},
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
		{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755, Size: int64(len(program.binary))},
	}
	for _, command := range program.commands {
		if command != "busybox" {
			entries = append(entries, &tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + command, Linkname: "busybox"})
		}
	}
	for _, entry := range entries {
		if err := archive.WriteHeader(entry); err != nil {
			return nil, fmt.Errorf("write %s: %w", entry.Name, err)
		}
		if entry.Typeflag == tar.TypeReg {
			if _, err := archive.Write(program.binary); err != nil {
				return nil, fmt.Errorf("write %s: %w", entry.Name, err)
			}
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("finish the layer: %w", err)
	}
	return content.Bytes(), nil
}

func lines(text []byte) []string {
	var result []string
	for line := range bytes.Lines(text) {
		result = append(result, string(bytes.TrimSpace(line)))
	}
	return result
}
