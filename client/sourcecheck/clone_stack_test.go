//go:build stack

package sourcecheck

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// What the server clones from a real Git server, and archives, is what is
// recomputed here, at every depth of history.
func TestWhatTheServerClones(t *testing.T) {
	root := t.TempDir()
	server, err := gitserver.Start(t.Context(), gitserver.Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	create := func(name string, files map[string]gitserver.File) string {
		id, err := gitserver.CreateRepository(t.Context(), root, name, files)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	module := func(name, path, url string) gitserver.File {
		return gitserver.File{Content: fmt.Sprintf("[submodule %q]\n\tpath = %s\n\turl = %s\n", name, path, url)}
	}
	inner := create("inner.git", map[string]gitserver.File{"inner.txt": {Content: "inner"}})
	middle := create("middle.git", map[string]gitserver.File{
		".gitmodules":  module("deep/inner", "vendor/inner", "../inner.git"),
		"vendor/inner": {Mode: gitserver.Submodule, Content: inner},
	})
	create("top.git", map[string]gitserver.File{"before.txt": {Content: "before"}})
	head, err := gitserver.Commit(t.Context(), root, "top.git", gitserver.Change{Files: map[string]gitserver.File{
		".gitmodules":  module("middle", "ext/middle", "../middle.git"),
		"ext/middle":   {Mode: gitserver.Submodule, Content: middle},
		"ext/link":     {Mode: gitserver.Symlink, Content: "middle/vendor"},
		" a/b-c/d.txt": {Content: strings.Repeat("text\n", 100_000)},
		"a":            {Content: "file"},
		"a.txt":        {Content: ""},
		"Ünïcödé":      {Content: "x"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, submodules := range []bool{true, false} {
		for _, depth := range []int{0, 1, 2} {
			t.Run(fmt.Sprintf("depth %d, submodules %v", depth, submodules), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "clone")
				request := source.Request{URL: server.HTTPSURL("top.git"), Depth: depth, Submodules: submodules, Anchors: source.Anchors{CABundle: server.CABundle()}}
				if _, err := source.Clone(t.Context(), request, dir, nil); err != nil {
					t.Fatal(err)
				}
				got, err := archived(t, dir)
				if err != nil {
					t.Fatal(err)
				}
				if got.Commit != head || got.Files < 6 {
					t.Errorf("got %+v, want the commit %s", got, head)
				}
				if submodules && fmt.Sprint(got.Submodules) != fmt.Sprint([]Submodule{{"ext/middle", middle, true}, {"ext/middle/vendor/inner", inner, true}}) {
					t.Errorf("got the submodules %v", got.Submodules)
				}
				if !submodules && (len(got.Submodules) != 1 || got.Submodules[0].Cloned) {
					t.Errorf("got the submodules %v", got.Submodules)
				}
			})
		}
	}
}

// What git makes of modes, empty folders, backslashes, tags, submodules that are
// left empty and Git LFS is what is recomputed, too.
func TestWhatTheServerClonesAsGitDoes(t *testing.T) {
	root := t.TempDir()
	lfs := &gitserver.LFS{}
	server, err := gitserver.Start(t.Context(), gitserver.Options{Root: root, LFS: lfs})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	if _, err := gitserver.CreateRepository(t.Context(), root, "odd.git", nil); err != nil {
		t.Fatal(err)
	}
	repository := filepath.Join(root, "odd.git")
	git := func(arguments ...string) string {
		out, err := gitserver.Git(t.Context(), repository, nil, arguments...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	write := func(kind, content string) string {
		id, err := gitserver.WriteObject(t.Context(), repository, kind, content)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	tree := func(entries ...gitserver.Entry) string {
		content, err := gitserver.Tree(entries...)
		if err != nil {
			t.Fatal(err)
		}
		return write("tree", content)
	}
	blob, none := write("blob", "text\n"), tree()
	empty := tree(gitserver.Entry{Mode: "40000", Name: "a", ID: none})
	head := git("commit-tree", "-m", "odd", tree(
		gitserver.Entry{Mode: "100644", Name: ".gitattributes", ID: write("blob", "*.bin filter=lfs\n")},
		gitserver.Entry{Mode: "100644", Name: ".gitmodules", ID: write("blob", "[submodule \"m\"]\n\tpath = sub\n\turl = ../m.git\n\tupdate = none\n")},
		gitserver.Entry{Mode: "100655", Name: "655", ID: blob}, gitserver.Entry{Mode: "100744", Name: "744", ID: blob},
		gitserver.Entry{Mode: "100644", Name: `a\b`, ID: blob}, gitserver.Entry{Mode: "40000", Name: "empty", ID: empty},
		gitserver.Entry{Mode: "100755", Name: "object.bin", ID: write("blob", lfs.Add(strings.Repeat("object", 100_000)))},
		gitserver.Entry{Mode: "160000", Name: "sub", ID: strings.Repeat("0a", 20)},
	))
	git("tag", "-a", "-m", "release", "v1", head)
	dir := filepath.Join(t.TempDir(), "clone")
	request := source.Request{URL: server.HTTPSURL("odd.git"), Reference: "v1", Depth: 1, Submodules: true, LFS: true, Anchors: source.Anchors{CABundle: server.CABundle()}}
	if _, err := source.Clone(t.Context(), request, dir, nil); err != nil {
		t.Fatal(err)
	}
	got, err := archived(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Tag{"v1", git("rev-parse", "v1"), "v1"}); got.Commit != head || got.Tag != want || got.Files != 6 || got.LFS != 1 || len(got.Submodules) != 1 || got.Submodules[0].Cloned {
		t.Errorf("got %+v, want the commit %s and the tag %v", got, head, want)
	}
}

// archived writes a clone into an archive as the server does, and checks what
// comes out of it.
func archived(t *testing.T, dir string) (Result, error) {
	t.Helper()
	var tbz bytes.Buffer
	clone, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer clone.Close()
	_, err = manifest.Write(t.Context(), &tbz, manifest.Contents{
		Record: []byte("{}"), Log: io.NewSectionReader(strings.NewReader(""), 0, 0), Git: clone.FS(), Modified: time.Unix(1, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	archive := tar.NewReader(bzip2.NewReader(&tbz))
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return f.Check(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		name, inGit := strings.CutPrefix(strings.TrimSuffix(header.Name, "/"), "git/")
		if !inGit {
			continue
		}
		if err := f.Add(t.Context(), name, header, archive); err != nil {
			return Result{}, err
		}
	}
}
