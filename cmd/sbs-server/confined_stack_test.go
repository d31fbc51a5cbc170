//go:build stack

package main

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/opensbs/sbs/server/process"
	"github.com/opensbs/sbs/server/sbom"
	"github.com/opensbs/sbs/server/sbom/scan"
)

// A scan in the real program and its sandbox finds what a scan without one finds:
// every parser has what it needs there, the SQLite of rpm too.
func TestConfinedScan(t *testing.T) {
	// As the product is built: without C.
	program := filepath.Join(t.TempDir(), "sbs-server")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	library, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/osv-scalibr").Output()
	if err != nil {
		t.Fatal(err)
	}
	rpm, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(library)), "extractor/filesystem/os/rpm/testdata/rpmdb.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	archive := savedImage(t, map[string][]byte{
		"usr/bin/sbs-server":                binary,
		"usr/lib/sysimage/rpm/rpmdb.sqlite": rpm,
		"etc/os-release":                    []byte("ID=fedora\nVERSION_ID=38\n"),
		"app/package.json":                  []byte(`{"name":"left-pad","version":"1.3.0"}`),
		"app/broken.jar":                    []byte("PK\x03\x04 this is no archive"),
	})

	sandbox, err := process.NewSandbox(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	confined, err := sbom.Scanner{Runner: sandbox}.Scan(t.Context(), archive, work)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	free, err := scan.Image(t.Context(), file, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	if err := confined.Write(&written); err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := free.Write(&want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(written.Bytes(), want.Bytes()) || len(confined.Packages) < 200 {
		t.Errorf("confined: %d packages, unread %v; without a sandbox: %d, %v", len(confined.Packages), confined.Unread, len(free.Packages), free.Unread)
	}
	if left, err := os.ReadDir(work); err != nil || len(left) != 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}

func savedImage(t *testing.T, files map[string][]byte) (archive string) {
	t.Helper()
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	for file, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: file, Mode: 0o755, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag("registry.example.com/ns/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	archive = filepath.Join(t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(archive, tag, image); err != nil {
		t.Fatal(err)
	}
	return archive
}
