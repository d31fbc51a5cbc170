//go:build stack

package source

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// sample has every kind of file, and text that makes Git use deltas.
func sample(variant string) map[string]gitserver.File {
	lines := strings.Repeat("some text that repeats itself\n", 5000)
	return map[string]gitserver.File{
		"README":           {Content: "hello " + variant + "\n"},
		"empty":            {},
		"run.sh":           {Content: "#!/bin/sh\n", Mode: gitserver.Executable},
		"a/b/c/deep.txt":   {Content: lines + variant},
		"a/b.txt":          {Content: lines},
		"a.b":              {Content: "sorts before a/"},
		"link":             {Content: "a/b.txt", Mode: gitserver.Symlink},
		"outside":          {Content: "/etc/passwd", Mode: gitserver.Symlink},
		"name with spaces": {Content: "ü\n"},
		".gitattributes":   {Content: "*.txt text eol=crlf\n"},
	}
}

func TestCloneIsTheSameEverywhere(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("1"))
	commit := s.commit(t, "one.git", gitserver.Change{Files: sample("2")})
	overSSH, checkout := clone(t, s.ssh("one.git"))
	audit(t, overSSH, commit)
	if checkout.Commit != commit || checkout.Reference != "refs/heads/main" {
		t.Errorf("got %+v", checkout)
	}
	again, _ := clone(t, s.ssh("one.git"))
	first := snapshot(t, overSSH)
	delete(first, filepath.Join(".git", "index")) // git status refreshes it
	second := snapshot(t, again)
	delete(second, filepath.Join(".git", "index"))
	if paths := differing(first, second); len(paths) > 0 {
		t.Errorf("two clones differ in %q", paths)
	}
	third, _ := clone(t, s.ssh("one.git"))
	if paths := differing(snapshot(t, again), snapshot(t, third)); len(paths) > 0 {
		t.Errorf("two clones differ in %q", paths)
	}
	overHTTPS, _ := clone(t, s.https("one.git"))
	if paths := differing(snapshot(t, again), snapshot(t, overHTTPS)); !slices.Equal(paths, []string{".git/config"}) {
		t.Errorf("clones over SSH and HTTPS differ in %q", paths)
	}
	audit(t, overHTTPS, commit)
	connectionsGone(t)
}

// The server's packing must not show: it may send deltas or none, in any order.
func TestCloneDoesNotDependOnTheServersPack(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	var commit string
	s.create(t, "one.git", sample("0"))
	for i := range 30 {
		commit = s.commit(t, "one.git", gitserver.Change{Files: sample(fmt.Sprint(i))})
	}
	request := s.ssh("one.git")
	request.Depth = 0
	s.git(t, "one.git", "", "repack", "-adf", "--depth=50", "--window=50")
	deltas, _ := clone(t, request)
	s.git(t, "one.git", "", "-c", "core.compression=0", "repack", "-adF", "--depth=0", "--window=0")
	whole, _ := clone(t, request)
	if paths := differing(snapshot(t, deltas), snapshot(t, whole)); len(paths) > 0 {
		t.Errorf("clones differ in %q", paths)
	}
	audit(t, deltas, commit)
	if got := git(t, deltas, "", "rev-list", "--count", "HEAD"); got != "31" {
		t.Errorf("%s commits, want 31", got)
	}
}

func TestCloneDepth(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("0"))
	var commit string
	for i := range 5 {
		commit = s.commit(t, "one.git", gitserver.Change{Files: sample(fmt.Sprint(i))})
	}
	for depth, want := range map[int]string{1: "1", 3: "3", 6: "6", 100: "6", 0: "6"} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			request := s.https("one.git")
			request.Depth = depth
			dir, _ := clone(t, request)
			audit(t, dir, commit)
			if got := git(t, dir, "", "rev-list", "--count", "HEAD"); got != want {
				t.Errorf("%s commits, want %s", got, want)
			}
		})
	}
}

func TestReferences(t *testing.T) {
	for _, any := range []bool{true, false} {
		t.Run(fmt.Sprintf("any commit %v", any), func(t *testing.T) {
			s := newStack(t, gitserver.Options{AllowAnySHA1InWant: any})
			old := s.create(t, "one.git", sample("old"))
			main := s.commit(t, "one.git", gitserver.Change{Files: sample("main")})
			side := s.commit(t, "one.git", gitserver.Change{Branch: "feature/side", Files: sample("side")})
			s.git(t, "one.git", "", "tag", "light", old)
			s.git(t, "one.git", "", "tag", "-a", "-m", "release", "v1", old)
			s.git(t, "one.git", "", "tag", "-a", "-m", "tag of a tag", "v1-signed", "v1")
			s.git(t, "one.git", "", "update-ref", "refs/pull/7/head", side)
			tagObject := s.git(t, "one.git", "", "rev-parse", "v1")
			for _, test := range []struct{ reference, commit, full string }{
				{"", main, "refs/heads/main"},
				{"HEAD", main, "refs/heads/main"},
				{"main", main, "refs/heads/main"},
				{"refs/heads/main", main, "refs/heads/main"},
				{"feature/side", side, "refs/heads/feature/side"},
				{"light", old, "refs/tags/light"},
				{"v1", old, "refs/tags/v1"},
				{"v1-signed", old, "refs/tags/v1-signed"},
				{"refs/pull/7/head", side, "refs/pull/7/head"},
				{main, main, main},
				{old, old, old},
				{tagObject, old, old},
			} {
				for _, request := range []Request{s.ssh("one.git"), s.https("one.git")} {
					t.Run(test.reference+" of "+request.URL[:5], func(t *testing.T) {
						request.Reference = test.reference
						dir, checkout := clone(t, request)
						if checkout.Commit != test.commit || checkout.Reference != test.full {
							t.Errorf("got %+v, want %s %s", checkout, test.commit, test.full)
						}
						audit(t, dir, test.commit)
					})
				}
			}
		})
	}
}

// A commit that is no tip is sent by itself, or found in the whole history.
func TestCommitInHistory(t *testing.T) {
	for _, any := range []bool{true, false} {
		s := newStack(t, gitserver.Options{AllowAnySHA1InWant: any})
		s.create(t, "one.git", sample("first"))
		old := s.commit(t, "one.git", gitserver.Change{Files: sample("old")})
		s.commit(t, "one.git", gitserver.Change{Files: sample("new")})
		for _, request := range []Request{s.ssh("one.git"), s.https("one.git")} {
			t.Run(fmt.Sprintf("any commit %v of %s", any, request.URL[:5]), func(t *testing.T) {
				request.Reference = old
				dir, _ := clone(t, request)
				audit(t, dir, old)
				if got := git(t, dir, "", "rev-list", "--all", "--count", "HEAD"); got != "1" {
					t.Errorf("%s commits", got)
				}
			})
		}
	}
}

func TestReferenceNotFound(t *testing.T) {
	for _, any := range []bool{true, false} {
		s := newStack(t, gitserver.Options{AllowAnySHA1InWant: any})
		s.create(t, "one.git", sample("1"))
		blob := s.git(t, "one.git", "", "rev-parse", "HEAD:README")
		for _, reference := range []string{"nope", "refs/heads/nope", strings.Repeat("0123456789", 4), strings.Repeat("ab", 32), blob} {
			for _, request := range []Request{s.ssh("one.git"), s.https("one.git")} {
				t.Run(fmt.Sprintf("any commit %v %s of %s", any, reference, request.URL[:5]), func(t *testing.T) {
					request.Reference = reference
					err := refuse(t, request)
					var missing *ReferenceError
					if !errors.As(err, &missing) || missing.Reference != reference {
						t.Errorf("got %v", err)
					}
				})
			}
		}
	}
}

func TestEmptyRepository(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "empty.git", nil)
	for _, request := range []Request{s.ssh("empty.git"), s.https("empty.git")} {
		if err := refuse(t, request); !errors.Is(err, ErrEmptyRepository) {
			t.Errorf("%s: %v", request.URL, err)
		}
	}
}

func TestNoSuchRepository(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	for _, request := range []Request{s.ssh("none.git"), s.https("none.git"), s.ssh("../none.git")} {
		if err := refuse(t, request); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", request.URL, err)
		}
	}
}

func TestProgress(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	commit := s.create(t, "one.git", map[string]gitserver.File{"a": {Content: "a"}, "b/c": {Content: "c"}})
	var lines bytes.Buffer
	request := s.ssh("one.git")
	request.Reference = "main"
	if _, err := Clone(t.Context(), request, t.TempDir(), &lines); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("cloning %s at main\nreceived 5 objects\nchecked out 2 files at %s\n", request.URL, commit)
	if lines.String() != want {
		t.Errorf("got\n%swant\n%s", lines.String(), want)
	}
}

func TestFolderInUse(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", sample("1"))
	dir, _ := clone(t, s.ssh("one.git"))
	before := snapshot(t, dir)
	if _, err := Clone(t.Context(), s.ssh("one.git"), dir, nil); err == nil {
		t.Error("it was cloned into a folder in use")
	}
	if paths := differing(before, snapshot(t, dir)); len(paths) > 0 {
		t.Errorf("changed %q", paths)
	}
}
