//go:build stack

package source

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/source/gitconfig"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

const lfsAttributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n"

// lfsStack is a server with a repository of LFS objects: big.bin, its copies,
// an empty one, a pointer that is only a text, and a file that is none.
func lfsStack(t *testing.T, options gitserver.Options) (stack, map[string]string) {
	t.Helper()
	if options.LFS == nil {
		options.LFS = &gitserver.LFS{}
	}
	s := newStack(t, options)
	big, small := strings.Repeat("0123456789", 100_000), "small\n"
	pointer := options.LFS.Add(big)
	files := map[string]gitserver.File{
		gitconfig.AttributesFile: {Content: lfsAttributes}, "big.bin": {Content: pointer}, "copy.bin": {Content: pointer, Mode: gitserver.Executable},
		"a/b/small.bin": {Content: options.LFS.Add(small)}, "empty.bin": {}, "a/nothing.bin": {Content: options.LFS.Add("")},
		"text.txt": {Content: pointer}, "a/" + gitconfig.AttributesFile: {Content: "plain.bin -filter\n"}, "a/plain.bin": {Content: pointer}, "raw.bin": {Content: "no pointer\n"},
	}
	want := map[string]string{"big.bin": big, "copy.bin": big, "a/b/small.bin": small, "empty.bin": "", "a/nothing.bin": "", "text.txt": pointer, "a/plain.bin": pointer, "raw.bin": "no pointer\n"}
	for i := range lfsBatch + 5 { // more than one batch
		name, content := fmt.Sprintf("many/%d.bin", i), fmt.Sprintf("content %d\n", i)
		files[name], want[name] = gitserver.File{Content: options.LFS.Add(content)}, content
	}
	s.create(t, "one.git", files)
	return s, want
}

func TestLFS(t *testing.T) {
	lfs := &gitserver.LFS{Header: map[string]string{"X-Download": "1"}}
	s, want := lfsStack(t, gitserver.Options{LFS: lfs, User: "ada", Token: "secret"})
	for _, request := range []Request{s.ssh("one.git"), s.https("one.git")} {
		t.Run(request.URL[:5], func(t *testing.T) {
			request.LFS = true
			if strings.HasPrefix(request.URL, "https") {
				request.User, request.Token = "ada", "secret"
			}
			dir := filepath.Join(t.TempDir(), "tree")
			var log bytes.Buffer
			before := len(lfs.Requests())
			if _, err := Clone(t.Context(), request, dir, &log); err != nil {
				t.Fatal(err)
			}
			for name, content := range want {
				if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != content {
					t.Errorf("%s has %d bytes, want %d (%v)", name, len(got), len(content), err)
				}
			}
			info, err := os.Stat(filepath.Join(dir, "copy.bin"))
			if err != nil || info.Mode() != 0o755 {
				t.Errorf("the mode is %v, %v", info.Mode(), err)
			}
			if says := fmt.Sprintf("%d files are Git LFS objects, each checked against its pointer", lfsBatch+5+4); !strings.Contains(log.String(), says) || !strings.Contains(log.String(), "1 of the files have attributes that git would act on (filter)") {
				t.Errorf("the log has no %q:\n%s", says, &log)
			}
			var batches, objects int
			for _, r := range lfs.Requests()[before:] {
				if r.Objects > 0 {
					batches, objects = batches+1, objects+r.Objects
				}
			}
			if batches != 2 || objects != lfsBatch+5+3 {
				t.Errorf("%d objects in %d batches", objects, batches)
			}
			again, _ := clone(t, request)
			if paths := differing(snapshot(t, dir), snapshot(t, again)); len(paths) > 0 {
				t.Errorf("two clones differ in %q", paths)
			}
			git(t, dir, "", "fsck", "--full", "--strict")
			if got := git(t, dir, "", "ls-files", "--stage", "big.bin"); !strings.Contains(got, s.git(t, "one.git", "", "rev-parse", "main:big.bin")) {
				t.Errorf("the index has %s", got)
			}
		})
	}
	t.Run("not asked for", func(t *testing.T) {
		dir, _ := clone(t, s.ssh("one.git"))
		if got, err := os.ReadFile(filepath.Join(dir, "big.bin")); err != nil || !isPointer(got) {
			t.Errorf("got %.100q, %v", got, err)
		}
	})
}

func TestLFSOfSubmodules(t *testing.T) {
	s, _ := lfsStack(t, gitserver.Options{})
	s.create(t, "top.git", map[string]gitserver.File{
		".gitmodules": modules("m", "sub", "../one.git"), "sub": {Mode: gitserver.Submodule, Content: s.git(t, "one.git", "", "rev-parse", "main")},
	})
	request := s.https("top.git")
	request.Submodules, request.LFS = true, true
	dir, _ := clone(t, request)
	if got, err := os.ReadFile(filepath.Join(dir, "sub/a/b/small.bin")); err != nil || string(got) != "small\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// What a server sends that is not what the pointer has fails the clone.
func TestLFSRefused(t *testing.T) {
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	const missing = "version https://git-lfs.github.com/spec/v1\noid sha256:0000000000000000000000000000000000000000000000000000000000000000\nsize 7\n"
	for name, test := range map[string]struct {
		lfs    *gitserver.LFS
		change func(files map[string]gitserver.File)
		says   string
	}{
		"other content":   {&gitserver.LFS{Reply: func(string, string) string { return "xxxxxx" }}, nil, "content whose SHA-256 is"},
		"less":            {&gitserver.LFS{Reply: func(_, content string) string { return content[1:] }}, nil, "another number of bytes"},
		"more":            {&gitserver.LFS{Reply: func(_, content string) string { return content + content }}, nil, "another number of bytes"},
		"a plain address": {&gitserver.LFS{Href: func(string, string) string { return "http://example.com/x?token=abc" }}, nil, "the address is not one of https"},
		"not there":       {&gitserver.LFS{Href: func(string, string) string { return elsewhere.URL + "/x" }}, nil, "no such object"},
		"missing":         {&gitserver.LFS{}, func(files map[string]gitserver.File) { files["x.bin"] = gitserver.File{Content: missing} }, "the server does not have it"},
		"not canonical": {&gitserver.LFS{}, func(files map[string]gitserver.File) {
			files["x.bin"] = gitserver.File{Content: strings.Replace(missing, "\nsize", "\next-0-a sha256:00\nsize", 1)}
		}, "not in the form that git-lfs writes"},
		"too large": {&gitserver.LFS{}, func(files map[string]gitserver.File) {
			files["x.bin"] = gitserver.File{Content: strings.Replace(missing, "size 7", "size 999999999999", 1)}
		}, "bytes in the work tree"},
		"server of another host": {&gitserver.LFS{}, func(files map[string]gitserver.File) {
			files[".lfsconfig"] = gitserver.File{Content: "[lfs]\n\turl = https://lfs.example.com/x\n"}
		}, "names a server on another host"},
		"no server": {nil, nil, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, gitserver.Options{LFS: test.lfs})
			store := test.lfs
			if store == nil {
				store = &gitserver.LFS{}
			}
			files := map[string]gitserver.File{gitconfig.AttributesFile: {Content: lfsAttributes}, "y.bin": {Content: store.Add("object")}}
			if test.change != nil {
				test.change(files)
			}
			s.create(t, "one.git", files)
			request := s.https("one.git")
			request.LFS = true
			if err := refuse(t, request); !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "token=abc") {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
}

// The credentials of the clone go to the LFS server on the repository's host, and
// to no host that this one names.
func TestLFSCredentials(t *testing.T) {
	var seen []http.Header
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header)
		_, _ = w.Write([]byte("object"))
	}))
	defer elsewhere.Close()
	lfs := &gitserver.LFS{Href: func(string, string) string { return elsewhere.URL + "/object?signature=1" }, Header: map[string]string{"X-Storage": "own"}}
	s := newStack(t, gitserver.Options{LFS: lfs, User: "ada", Token: "secret"})
	s.create(t, "one.git", map[string]gitserver.File{gitconfig.AttributesFile: {Content: lfsAttributes}, "y.bin": {Content: lfs.Add("object")}})
	request := s.https("one.git")
	request.User, request.Token, request.LFS = "ada", "secret", true
	clone(t, request)
	if len(seen) != 1 || seen[0].Get("Authorization") != "" || seen[0].Get("X-Storage") != "own" {
		t.Errorf("the storage got %v", seen)
	}
	if asked := lfs.Requests(); len(asked) != 1 || !strings.HasPrefix(asked[0].Authorization, "Basic ") {
		t.Errorf("the LFS server got %+v", asked)
	}
	// A redirect to another host takes nothing along either.
	lfs.Href = func(_, href string) string { return href }
	seen = nil
	redirect := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/object", http.StatusFound)
	}))
	defer redirect.Close()
	lfs.Href = func(string, string) string { return redirect.URL + "/first" }
	clone(t, request)
	if len(seen) != 1 || seen[0].Get("X-Storage") != "" || seen[0].Get("Authorization") != "" {
		t.Errorf("after the redirect, the storage got %v", seen)
	}
}

// An address in .lfsconfig counts on the repository's own host.
func TestLFSConfig(t *testing.T) {
	lfs := &gitserver.LFS{}
	s := newStack(t, gitserver.Options{LFS: lfs})
	s.create(t, "objects.git", map[string]gitserver.File{"x": {}})
	s.create(t, "one.git", map[string]gitserver.File{
		gitconfig.AttributesFile: {Content: lfsAttributes}, "y.bin": {Content: lfs.Add("object")},
		".lfsconfig": {Content: "[lfs]\n\turl = " + s.HTTPSURL("objects.git") + "/info/lfs\n"},
	})
	for _, request := range []Request{s.ssh("one.git"), s.https("one.git")} {
		request.LFS = true
		clone(t, request)
	}
	paths := map[string]bool{}
	for _, r := range lfs.Requests() {
		paths[r.Path] = true
	}
	if !paths["/objects.git/info/lfs/objects/batch"] || slices.ContainsFunc(lfs.Requests(), func(r gitserver.LFSRequest) bool { return strings.HasPrefix(r.Path, "/one.git/") }) {
		t.Errorf("asked for %v", paths)
	}
}

// git-lfs checks out the same files, and finds nothing changed in ours.
func TestLFSAsGitLFSChecksItOut(t *testing.T) {
	lfs := &gitserver.LFS{}
	s, _ := lfsStack(t, gitserver.Options{LFS: lfs})
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(bundle, s.CABundle(), 0o600); err != nil {
		t.Fatal(err)
	}
	filters := []string{
		"-c", "http.sslCAInfo=" + bundle, "-c", "filter.lfs.smudge=git-lfs smudge -- %f", "-c", "filter.lfs.clean=git-lfs clean -- %f",
		"-c", "filter.lfs.process=git-lfs filter-process", "-c", "filter.lfs.required=true",
	}
	expected := filepath.Join(t.TempDir(), "git")
	git(t, t.TempDir(), "", append(filters, "clone", "--quiet", s.HTTPSURL("one.git"), expected)...)
	if len(lfs.Requests()) == 0 {
		t.Fatal("git-lfs asked for nothing")
	}
	request := s.https("one.git")
	request.LFS = true
	dir, _ := clone(t, request)
	if paths := differing(worktree(t, dir), worktree(t, expected)); len(paths) > 0 {
		t.Errorf("git-lfs checks out something else at %q", paths)
	}
	git(t, expected, "", "read-tree", "HEAD") // without stat data, as ours: every file is compared
	if got, want := git(t, dir, "", append(filters, "status", "--short")...), git(t, expected, "", append(filters, "status", "--short")...); got != want {
		t.Errorf("git status with git-lfs: %q, in its own clone %q", got, want)
	}
}

// A server that is busy is asked again, for a batch and for an object, within the
// bounds of package httpclient; the log reports it. What it refuses otherwise fails the clone.
func TestLFSRetries(t *testing.T) {
	for status, again := range map[int]bool{429: true, 502: true, 503: true, 504: true, 500: false, 403: false} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			refused := map[string]int{}
			lfs := &gitserver.LFS{Refuse: func(r *http.Request) int {
				if refused[r.Method]++; refused[r.Method] <= 2 {
					return status
				}
				return 0
			}}
			s := newStack(t, gitserver.Options{LFS: lfs})
			s.create(t, "one.git", map[string]gitserver.File{gitconfig.AttributesFile: {Content: lfsAttributes}, "y.bin": {Content: lfs.Add("object")}})
			request := s.https("one.git")
			request.LFS = true
			if !again {
				if err := refuse(t, request); refused[http.MethodPost] != 1 || refused[http.MethodGet] != 0 {
					t.Errorf("asked %v times: %v", refused, err)
				}
				return
			}
			dir, log := filepath.Join(t.TempDir(), "tree"), bytes.Buffer{}
			if _, err := Clone(t.Context(), request, dir, &log); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(dir, "y.bin")); err != nil || string(got) != "object" {
				t.Errorf("got %q, %v", got, err)
			}
			if refused[http.MethodPost] != 3 || refused[http.MethodGet] != 3 {
				t.Errorf("asked %v times", refused)
			}
			if lines := strings.Count(log.String(), "the request is sent again in 0s"); lines != 4 {
				t.Errorf("%d lines of that in the log:\n%s", lines, &log)
			}
		})
	}
}
