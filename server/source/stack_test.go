//go:build stack

package source

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/harness/gitserver"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
)

// stack is a Git server and a key that opens it.
type stack struct {
	*gitserver.Server
	root string
	key  []byte
}

// newStack starts a server that ends with the test, which then must have left
// no goroutine.
func newStack(t testing.TB, options gitserver.Options) stack {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	s := stack{root: t.TempDir()}
	signer, key := newKey(t)
	s.key = key
	options.Root = s.root
	options.AuthorizedKeys = append(options.AuthorizedKeys, signer.PublicKey())
	server, err := gitserver.Start(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	s.Server = server
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t, ignore)
	})
	return s
}

func newKey(t testing.TB) (ssh.Signer, []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, pem.EncodeToMemory(block)
}

func (s stack) ssh(name string) Request {
	return Request{URL: s.SSHURL(name), Depth: 1, SSHKey: s.key, Anchors: Anchors{KnownHosts: s.KnownHosts(), CABundle: s.CABundle()}}
}

func (s stack) https(name string) Request {
	request := s.ssh(name)
	request.URL = s.HTTPSURL(name)
	return request
}

func (s stack) create(t testing.TB, name string, files map[string]gitserver.File) string {
	t.Helper()
	commit, err := gitserver.CreateRepository(t.Context(), s.root, name, files)
	if err != nil {
		t.Fatal(err)
	}
	return commit
}

func (s stack) commit(t *testing.T, name string, change gitserver.Change) string {
	t.Helper()
	commit, err := gitserver.Commit(t.Context(), s.root, name, change)
	if err != nil {
		t.Fatal(err)
	}
	return commit
}

// git runs git on a bare repository of the server.
func (s stack) git(t *testing.T, name, stdin string, arguments ...string) string {
	t.Helper()
	return git(t, filepath.Join(s.root, name), stdin, arguments...)
}

func git(t *testing.T, folder, stdin string, arguments ...string) string {
	t.Helper()
	out, err := gitserver.Git(t.Context(), folder, strings.NewReader(stdin), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// clone must work; it returns the work tree.
func clone(t *testing.T, request Request) (string, Checkout) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	checkout, err := Clone(t.Context(), request, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return dir, checkout
}

// refuse must fail, and leave nothing of the folder.
func refuse(t *testing.T, request Request) error {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	_, err := Clone(t.Context(), request, dir, nil)
	if err == nil {
		t.Fatal("it was cloned")
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder was left over: %v", err)
	}
	return err
}

// snapshot reads a folder: path → mode and content.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		var content []byte
		switch {
		case entry.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			content = []byte(target)
		case entry.Type().IsRegular():
			if content, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		found[name] = info.Mode().String() + "\n" + string(content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// differing lists the paths that are not the same in two snapshots.
func differing(a, b map[string]string) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	var paths []string
	for path := range all {
		if a[path] != b[path] {
			paths = append(paths, path)
		}
	}
	return paths
}

// audit lets the real git verify a work tree.
func audit(t *testing.T, dir, commit string) {
	t.Helper()
	if got := git(t, dir, "", "rev-parse", "HEAD"); got != commit {
		t.Errorf("HEAD is %s, want %s", got, commit)
	}
	if got := git(t, dir, "", "status", "--porcelain"); got != "" {
		t.Errorf("git status: %s", got)
	}
	git(t, dir, "", "fsck", "--full", "--strict")
	if got := git(t, dir, "", "log", "-1", "--format=%H"); got != commit {
		t.Errorf("git log: %s", got)
	}
	folder := git(t, dir, "", "rev-parse", "--absolute-git-dir")
	packs, _ := filepath.Glob(filepath.Join(folder, "objects/pack/*.idx"))
	if len(packs) != 1 {
		t.Fatalf("%d packs", len(packs))
	}
	git(t, dir, "", "verify-pack", packs[0])
	if got := git(t, dir, "", "cat-file", "-t", commit); got != "commit" {
		t.Errorf("git cat-file: %s", got)
	}
}
