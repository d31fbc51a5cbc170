package scan

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/opensbs/sbs/server/sbom"
)

// entry is one member of a layer.
type entry struct {
	name    string
	content string
	mode    int64 // 0644 unless given
	kind    byte  // a regular file unless given
}

type layer []entry

func (l layer) tar(t *testing.T) []byte {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, e := range l {
		header := &tar.Header{Name: e.name, Mode: max(e.mode, 0o644), Typeflag: tar.TypeReg, Size: int64(len(e.content))}
		if e.kind != 0 {
			header.Typeflag, header.Linkname, header.Size = e.kind, e.content, 0
			e.content = ""
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// saved is an image of layers as docker save writes it, its layers compressed
// as newer engines do.
func saved(t *testing.T, layers ...layer) (archive string) {
	t.Helper()
	image := empty.Image
	for _, l := range layers {
		content := l.tar(t)
		one, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if image, err = mutate.AppendLayers(image, one); err != nil {
			t.Fatal(err)
		}
	}
	return written(t, image)
}

func written(t *testing.T, image v1.Image) string {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "image.tar")
	tag, err := name.NewTag("registry.example.com/ns/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(archive, tag, image); err != nil {
		t.Fatal(err)
	}
	return archive
}

func scanned(t *testing.T, archive string) sbom.Inventory {
	t.Helper()
	found, err := scanFile(t.Context(), archive, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func scanFile(ctx context.Context, archive, scratch string) (sbom.Inventory, error) {
	file, err := os.Open(archive)
	if err != nil {
		return sbom.Inventory{}, err
	}
	defer file.Close()
	return Image(ctx, file, scratch)
}

// names are the packages as name@version.
func names(found sbom.Inventory) []string {
	var all []string
	for _, p := range found.Packages {
		all = append(all, p.Name+"@"+p.Version)
	}
	slices.Sort(all)
	return all
}

func status(packages ...string) string {
	var text strings.Builder
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "@")
		fmt.Fprintf(&text, "Package: %s\nStatus: install ok installed\nArchitecture: s390x\nVersion: %s\nDescription: one\n\n", name, version)
	}
	return text.String()
}

const release = "ID=debian\nVERSION_CODENAME=bookworm\n"

func jar(t *testing.T) string {
	t.Helper()
	var content bytes.Buffer
	w := zip.NewWriter(&content)
	file, err := w.Create("META-INF/maven/com.example/lib/pom.properties")
	if err == nil {
		_, err = io.WriteString(file, "groupId=com.example\nartifactId=lib\nversion=1.0.0\n")
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return content.String()
}

// goProgram is a program that Go has built.
func goProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./testdata/program")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
