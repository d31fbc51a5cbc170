package contract

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

const digest = "@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

const composeFile = "services:\n  sbs:\n    image: example.com/ns/name" + digest + "\n"

func packed(t testing.TB, files fs.FS) string {
	t.Helper()
	archive, err := Archive(files)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }

func TestArchiveDependsOnContentAlone(t *testing.T) {
	first := fstest.MapFS{"docker-compose.yaml": file(composeFile), "a/b/run.sh": {Data: []byte("#!"), Mode: 0o700}}
	second := fstest.MapFS{
		"docker-compose.yaml": {Data: []byte(composeFile), Mode: 0o600, ModTime: time.Unix(1e9, 0)},
		"a/b/run.sh":          {Data: []byte("#!"), Mode: 0o755, ModTime: time.Unix(2e9, 0)},
	}
	archive := packed(t, first)
	if packed(t, second) != archive {
		t.Error("times or users' modes are in the archive")
	}
	second["a/b/run.sh"].Mode = 0o644
	if packed(t, second) == archive {
		t.Error("what may be executed is not in the archive")
	}
	files, err := unpack(archive)
	if err != nil || len(files) != 2 || string(files["a/b/run.sh"]) != "#!" || string(files["docker-compose.yaml"]) != composeFile {
		t.Errorf("unpacked %q, %v", files, err)
	}
}

func TestArchiveRefuses(t *testing.T) {
	for what, put := range map[string]func(folder string) error{
		"a symbolic link": func(folder string) error { return os.Symlink("/etc/passwd", filepath.Join(folder, "link")) },
		"a linked folder": func(folder string) error { return os.Symlink("..", filepath.Join(folder, "link")) },
		"a pipe":          func(folder string) error { return syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o600) },
		"a large file": func(folder string) error {
			return os.WriteFile(filepath.Join(folder, "large"), make([]byte, maxArchive+1), 0o600)
		},
		"a long name": func(folder string) error {
			return os.WriteFile(filepath.Join(folder, strings.Repeat("x", 200)), nil, 0o600)
		},
	} {
		t.Run(what, func(t *testing.T) {
			folder := t.TempDir()
			if err := put(folder); err != nil {
				t.Fatal(err)
			}
			if _, err := archiveFolder(folder); err == nil {
				t.Error("it was packed")
			}
		})
	}
}

// tarOf packs headers as somebody else might.
func tarOf(t testing.TB, headers ...tar.Header) string {
	t.Helper()
	var out bytes.Buffer
	compressed := gzip.NewWriter(&out)
	w := tar.NewWriter(compressed)
	for _, header := range headers {
		content := []byte(composeFile)
		if header.Typeflag == tar.TypeReg {
			header.Size = int64(len(content))
		}
		if err := w.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeReg {
			if _, err := w.Write(content); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []interface{ Close() error }{w, compressed} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

func TestUnpackRefuses(t *testing.T) {
	compose := tar.Header{Name: "./docker-compose.yaml", Typeflag: tar.TypeReg, Mode: 0o644}
	good := tarOf(t, compose)
	if err := checkCompose(good, nil); err != nil {
		t.Fatal(err)
	}
	for what, archive := range map[string]string{
		"nothing":          "",
		"not base64":       "%",
		"no gzip":          base64.StdEncoding.EncodeToString([]byte(composeFile)),
		"several lines":    good[:40] + "\n" + good[40:],
		"cut short":        good[:len(good)-8],
		"a symbolic link":  tarOf(t, compose, tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "/etc"}),
		"a hard link":      tarOf(t, compose, tar.Header{Name: "a", Typeflag: tar.TypeLink, Linkname: "docker-compose.yaml"}),
		"a device":         tarOf(t, compose, tar.Header{Name: "a", Typeflag: tar.TypeChar}),
		"a file above":     tarOf(t, compose, tar.Header{Name: "../a", Typeflag: tar.TypeReg}),
		"a file elsewhere": tarOf(t, compose, tar.Header{Name: "/etc/a", Typeflag: tar.TypeReg}),
		"the same twice":   tarOf(t, compose, tar.Header{Name: "docker-compose.yaml", Typeflag: tar.TypeReg}),
		"a lot of nothing": bomb(t),
		"too many":         tarOf(t, append([]tar.Header{compose}, slices.Repeat([]tar.Header{{Name: "a/", Typeflag: tar.TypeDir}}, maxEntries)...)...),
		"no file at all":   tarOf(t),
	} {
		t.Run(what, func(t *testing.T) {
			if files, err := unpack(archive); err == nil {
				t.Errorf("unpacked %d files", len(files))
			}
		})
	}
}

// bomb is small, and large when it is unpacked.
func bomb(t testing.TB) string {
	t.Helper()
	var out bytes.Buffer
	compressed := gzip.NewWriter(&out)
	w := tar.NewWriter(compressed)
	if err := w.WriteHeader(&tar.Header{Name: "docker-compose.yaml", Typeflag: tar.TypeReg, Size: maxArchive + 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, maxArchive+1)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []interface{ Close() error }{w, compressed} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

func TestComposeFiles(t *testing.T) {
	const pod = "kind: Pod\nspec:\n  containers:\n    - name: a\n      image: example.com/a" + digest + "\n"
	compose := func(archive string) error { return checkCompose(archive, nil) }
	play := func(archive string) error { return checkPlay(archive, nil) }
	for what, test := range map[string]struct {
		files fstest.MapFS
		check func(string) error
		says  string // nothing when it is right
	}{
		"compose":                {fstest.MapFS{"docker-compose.yml": file("x-a: &a\n  privileged: true\n" + composeFile + "    <<: *a\n")}, compose, ""},
		"registry as a variable": {fstest.MapFS{"docker-compose.yml": file(strings.Replace(composeFile, "example.com", "${REGISTRY}", 1))}, compose, ""},
		"no compose file":        {fstest.MapFS{"a/docker-compose.yml": file(composeFile)}, compose, "exactly one"},
		"an override":            {fstest.MapFS{"docker-compose.yml": file(composeFile), "docker-compose.override.yml": file(composeFile)}, compose, "exactly one"},
		"another compose file":   {fstest.MapFS{"docker-compose.yml": file(composeFile), "compose.yaml": file(composeFile)}, compose, "exactly one"},
		"build":                  {fstest.MapFS{"docker-compose.yml": file(composeFile + "    build: .\n")}, compose, "no build"},
		"build of nothing":       {fstest.MapFS{"docker-compose.yml": file(composeFile + "    build:\n")}, compose, "no build"},
		"build merged in":        {fstest.MapFS{"docker-compose.yml": file("x-a: &a\n  build: .\n" + composeFile + "    <<: *a\n")}, compose, "no build"},
		"extends":                {fstest.MapFS{"docker-compose.yml": file(composeFile + "    extends: {file: a, service: b}\n")}, compose, "no extends"},
		"include":                {fstest.MapFS{"docker-compose.yml": file(composeFile + "include: [a]\n")}, compose, "include"},
		"two services":           {fstest.MapFS{"docker-compose.yml": file(composeFile + "  b:\n    image: b" + digest + "\n")}, compose, "one service"},
		"two documents":          {fstest.MapFS{"docker-compose.yml": file(composeFile + "---\n" + composeFile)}, compose, "single YAML document"},
		"no service":             {fstest.MapFS{"docker-compose.yml": file("services:\n")}, compose, "one service"},
		"a tag":                  {fstest.MapFS{"docker-compose.yml": file("services:\n  a:\n    image: b:latest\n")}, compose, "digest"},
		"a short digest":         {fstest.MapFS{"docker-compose.yml": file("services:\n  a:\n    image: b" + digest[:70] + "\n")}, compose, "digest"},
		"no image":               {fstest.MapFS{"docker-compose.yml": file("services:\n  a:\n")}, compose, "digest"},
		"pods":                   {fstest.MapFS{"a.yaml": file("kind: ConfigMap\n---\n" + pod), "b/c.yaml": file("a: [")}, play, ""},
		"no pod":                 {fstest.MapFS{"a.yaml": file("kind: ConfigMap\n"), "b/pod.yaml": file(pod)}, play, "no pod"},
		"a deployment":           {fstest.MapFS{"a.yaml": file("kind: Deployment\n---\n" + pod)}, play, "Pod and ConfigMap"},
		"a pod's tag":            {fstest.MapFS{"a.yml": file(pod + "  initContainers:\n    - name: b\n      image: b:latest\n")}, play, "container b"},
		"pods that are no YAML":  {fstest.MapFS{"a.yaml": file(pod + "a: [")}, play, "not YAML"},
	} {
		t.Run(what, func(t *testing.T) {
			err := test.check(packed(t, test.files))
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
}

func FuzzArchive(f *testing.F) {
	raw, err := base64.StdEncoding.DecodeString(tarOf(f, tar.Header{Name: "docker-compose.yaml", Typeflag: tar.TypeReg}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		files, err := unpack(base64.StdEncoding.EncodeToString(raw))
		if err != nil {
			return
		}
		total := 0
		for name, content := range files {
			if total += len(content); !fs.ValidPath(name) {
				t.Errorf("unpacked %q", name)
			}
		}
		if total > maxArchive || len(files) > maxEntries {
			t.Errorf("unpacked %d files of %d bytes", len(files), total)
		}
	})
}
