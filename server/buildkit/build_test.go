package buildkit

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tonistiigi/fsutil/types"

	"github.com/opensbs/sbs/server/builder"
)

func TestCheck(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, test := range map[string]struct {
		committed time.Time
		want      string
	}{
		"now":             {now, ""},
		"clocks differ":   {now.Add(4 * time.Minute), ""},
		"in the future":   {now.Add(6 * time.Minute), "in the future"},
		"before 1970":     {time.Unix(-1, 0), "before 1970"},
		"1970":            {time.Unix(0, 0), ""},
		"no time at all":  {time.Time{}, "before 1970"},
		"twenty years on": {now.AddDate(20, 0, 0), "in the future"},
	} {
		t.Run(name, func(t *testing.T) {
			err := check(builder.Request{ContextDir: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), Committed: test.committed}, now)
			if err == nil && test.want != "" || err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestArchiveIsBounded(t *testing.T) {
	name, wrote := filepath.Join(t.TempDir(), "image.tar"), 0
	to, err := createArchive(name, 10, func() { wrote++ })
	if err != nil {
		t.Fatal(err)
	}
	if n, err := to.Write(make([]byte, 10)); n != 10 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := to.Write([]byte{1}); !errors.Is(err, builder.ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if wrote != 1 {
		t.Errorf("%d writes were reported", wrote)
	}
	for range 2 {
		if err := to.Close(); !errors.Is(err, builder.ErrTooLarge) {
			t.Errorf("the error of Close is %v", err)
		}
	}
	if _, err := createArchive(name, 10, func() { wrote++ }); !errors.Is(err, os.ErrExist) {
		t.Errorf("an archive that exists: %v", err)
	}
}

// TestAWriteAfterClose: a build that was cut short may still send.
func TestAWriteAfterClose(t *testing.T) {
	to, err := createArchive(filepath.Join(t.TempDir(), "image.tar"), 10, func() {})
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Error(err)
	}
	if _, err := to.Write([]byte{1}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v", err)
	}
}

func TestFullDisks(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	to := &archive{file: full, left: 10, max: 10, wrote: func() {}}
	if _, err := to.Write([]byte{1}); !errors.Is(err, syscall.ENOSPC) || !errors.Is(to.Close(), syscall.ENOSPC) {
		t.Errorf("this side's: %v", err)
	}
	if err := fullDisk(errors.New("write /state/x: no space left on device")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the builder's: %v", err)
	}
	if err := fullDisk(errors.New("exit code: 1")); errors.Is(err, syscall.ENOSPC) {
		t.Errorf("another error: %v", err)
	}
}

// written writes an archive with these members.
func written(t *testing.T, members map[string]string) string {
	t.Helper()
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	for name, text := range members {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(name, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestLayersWithoutTheTimeOfTheCommit(t *testing.T) {
	index := `{"manifests":[{"digest":"` + digestA + `"}]}`
	manifest := func(annotations string) string {
		return `{"layers":[{"digest":"` + digestB + `"},{"digest":"` + digestA + `"` + annotations + `}]}`
	}
	blob := "blobs/sha256/" + strings.TrimPrefix(digestA, "sha256:")
	base := map[string]bool{digestB: true}
	for name, test := range map[string]struct {
		members map[string]string
		want    string
	}{
		"set":           {map[string]string{"index.json": index, blob: manifest(`,"annotations":{"buildkit/rewritten-timestamp":"1763998000"}`)}, ""},
		"not set":       {map[string]string{"index.json": index, blob: manifest("")}, "layer 2 of 2, " + digestA},
		"another time":  {map[string]string{"index.json": index, blob: manifest(`,"annotations":{"buildkit/rewritten-timestamp":"1763998001"}`)}, "layer 2 of 2"},
		"no manifest":   {map[string]string{"index.json": index}, "is not in it"},
		"no index":      {map[string]string{}, "index.json is not in it"},
		"no image":      {map[string]string{"index.json": `{}`}, "0 images"},
		"bad digest":    {map[string]string{"index.json": `{"manifests":[{"digest":"sha256:../x"}]}`}, "invalid"},
		"not JSON":      {map[string]string{"index.json": `x`}, "index.json: "},
		"a large index": {map[string]string{"index.json": strings.Repeat(" ", maxIndex+1)}, "at most"},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkTimes(written(t, test.members), base, time.Unix(1763998000, 5))
			if err == nil && test.want != "" || err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestFilesHaveTheTimeOfTheCommit: folders and links too, whatever time they have.
func TestFilesHaveTheTimeOfTheCommit(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "folder", "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("folder", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	files, err := open(t.Context(), dir, time.Unix(1763998000, 7))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = files.Walk(t.Context(), "", func(name string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*types.Stat)
		if !ok || stat.ModTime != 1763998000e9 || stat.Uid != 0 || stat.Gid != 0 {
			t.Errorf("%s: %v", name, info.Sys())
		}
		seen++
		return nil
	})
	if err != nil || seen != 3 {
		t.Errorf("%d files, error %v", seen, err)
	}
}

// dockerfile is a request with this text as its Dockerfile.
func dockerfile(t *testing.T, text string) builder.Request {
	t.Helper()
	name := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return builder.Request{Dockerfile: name, Committed: time.Unix(5, 0)}
}

func mustAttrs(t *testing.T, r builder.Request) map[string]string {
	t.Helper()
	attrs, err := frontendAttrs(r)
	if err != nil {
		t.Fatal(err)
	}
	return attrs
}

func TestArgumentsOfTheRequest(t *testing.T) {
	r := dockerfile(t, "FROM scratch\n")
	r.Args = map[string]string{"A": "b", "BUILDKIT_CACHE_MOUNT_NS": "old"}
	attrs := mustAttrs(t, r)
	if attrs["build-arg:A"] != "b" || attrs["build-arg:SOURCE_DATE_EPOCH"] != "5" || attrs["build-arg:BUILDKIT_CACHE_MOUNT_NS"] == "old" {
		t.Errorf("%v", attrs)
	}
	r.Args = map[string]string{epochArg: "7"}
	if attrs := mustAttrs(t, r); attrs["build-arg:SOURCE_DATE_EPOCH"] != "7" || export(r.Committed, nil).Attrs["source-date-epoch"] != "5" {
		t.Errorf("%v", attrs)
	}
}

func TestFrontends(t *testing.T) {
	cases := map[string]struct {
		text, argument string
		own            bool
	}{
		"none":                {"FROM scratch\n", "", false},
		"Docker's":            {"# syntax=docker/dockerfile:1\nFROM scratch\n", "", true},
		"by digest":           {"# syntax=docker.io/docker/dockerfile:1.7@" + digestA + "\nFROM scratch\n", "", true},
		"another":             {"# syntax=evil/dockerfile:1\nFROM scratch\n", "", false},
		"another registry":    {"# syntax=registry.example/docker/dockerfile:1\nFROM scratch\n", "", false},
		"upstream":            {"# syntax=docker/dockerfile-upstream:master\nFROM scratch\n", "", false},
		"a comment":           {"FROM scratch\n# syntax=docker/dockerfile:1\n", "", false},
		"an argument":         {"FROM scratch\n", "docker/dockerfile:1 --x", true},
		"the argument wins":   {"# syntax=docker/dockerfile:1\nFROM scratch\n", "evil/dockerfile:1", false},
		"not a name":          {"# syntax=::\nFROM scratch\n", "", false},
		"an argument, spaces": {"FROM scratch\n", " docker/dockerfile:1", true},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			r := dockerfile(t, test.text)
			if test.argument != "" {
				r.Args = map[string]string{syntaxArg: test.argument}
			}
			if _, own := mustAttrs(t, r)["cmdline"]; own != test.own {
				t.Errorf("the built-in frontend: %v", own)
			}
		})
	}
}
