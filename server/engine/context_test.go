package engine

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/builder/solve"
)

// archived writes files into a folder and gives what is sent for context and
// Dockerfile, two paths in it: path to content.
func archived(t *testing.T, files map[string]string, context, dockerfile string) (name string, sent map[string]string, err error) {
	t.Helper()
	dir := t.TempDir()
	for path, content := range files {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := newContextArchive(BuildRequest{ContextDir: filepath.Join(dir, context), Dockerfile: filepath.Join(dir, dockerfile)})
	if err != nil {
		return "", nil, err
	}
	var written bytes.Buffer
	if err := archive.write(t.Context(), &written); err != nil {
		t.Fatal(err)
	}
	sent = make(map[string]string)
	for r := tar.NewReader(&written); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return archive.dockerfile, sent, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Gid != 0 {
			t.Errorf("%s belongs to %d:%d", header.Name, header.Uid, header.Gid)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeReg {
			if _, twice := sent[header.Name]; twice {
				t.Errorf("%s is sent twice", header.Name)
			}
			sent[header.Name] = string(content)
		}
	}
}

func TestContextArchive(t *testing.T) {
	cases := map[string]struct {
		files               map[string]string
		context, dockerfile string
		want                []string
	}{
		"all": {map[string]string{"Dockerfile": "", "a": "", "b/c": ""}, "", "Dockerfile", []string{"Dockerfile", "a", "b/c"}},
		"what is ignored but needed": {
			map[string]string{".dockerignore": "*\n", "d/Dockerfile[1]*": "", "a": "", "d/e": ""},
			"", "d/Dockerfile[1]*", []string{".dockerignore", "d/Dockerfile[1]*"},
		},
		"own ignore file": {
			map[string]string{".dockerignore": "*", "Dockerfile": "", "Dockerfile.dockerignore": "b", "a": "", "b": ""},
			"", "Dockerfile", []string{".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "a"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dockerfile, sent, err := archived(t, c.files, c.context, c.dockerfile)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Sorted(maps.Keys(sent)); !slices.Equal(got, c.want) {
				t.Errorf("sent %q, want %q", got, c.want)
			}
			if dockerfile != c.dockerfile {
				t.Errorf("Dockerfile %q, want %q", dockerfile, c.dockerfile)
			}
		})
	}
}

func TestContextArchiveWithADockerfileFromOutside(t *testing.T) {
	for name, ignore := range map[string]string{"with an ignore file": "a\n", "without": ""} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"Dockerfile": "FROM scratch\n", "sub/a": "", "sub/b": ""}
			if ignore != "" {
				files["sub/.dockerignore"] = ignore
			}
			dockerfile, sent, err := archived(t, files, "sub", "Dockerfile")
			if err != nil {
				t.Fatal(err)
			}
			if sent[dockerfile] != files["Dockerfile"] {
				t.Errorf("the Dockerfile %q holds %q", dockerfile, sent[dockerfile])
			}
			if !strings.HasPrefix(sent[solve.IgnoreFile], ignore) || !strings.Contains(sent[solve.IgnoreFile], dockerfile+"\n") {
				t.Errorf("%s holds %q", solve.IgnoreFile, sent[solve.IgnoreFile])
			}
			if _, there := sent["a"]; there != (ignore == "") {
				t.Errorf("sent %q", sent)
			}
			again, _, err := archived(t, files, "sub", "Dockerfile")
			if err != nil || again != dockerfile {
				t.Errorf("another name for the same Dockerfile: %q (%v)", again, err)
			}
		})
	}
}

func TestContextArchiveRefuses(t *testing.T) {
	cases := map[string]struct {
		files map[string]string
		says  string
	}{
		"bad pattern":   {map[string]string{"Dockerfile": "", ".dockerignore": "[\n"}, solve.IgnoreFile},
		"ignore folder": {map[string]string{"Dockerfile": "", ".dockerignore/x": ""}, "not a regular file"},
		"large ignore":  {map[string]string{"Dockerfile": "", ".dockerignore": strings.Repeat("#", solve.MaxDockerfile+1)}, "bytes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, _, err := archived(t, c.files, "", "Dockerfile"); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one with %q", err, c.says)
			}
		})
	}
}

func TestContextArchiveStopsWhenNobodyReads(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"Dockerfile", "a"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := newContextArchive(BuildRequest{ContextDir: dir, Dockerfile: filepath.Join(dir, "Dockerfile")})
	if err != nil {
		t.Fatal(err)
	}
	reader, writer := io.Pipe()
	reader.Close()
	if err := archive.write(t.Context(), writer); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}
