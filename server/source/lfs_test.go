package source

import (
	"fmt"
	"strings"
	"testing"
)

// FuzzPointer: what is taken for canonical is, to the byte, what git-lfs writes
// for the object.
func FuzzPointer(f *testing.F) {
	oid := strings.Repeat("0a", 32)
	for _, seed := range []string{
		"version https://git-lfs.github.com/spec/v1\noid sha256:" + oid + "\nsize 12\n", "version https://git-lfs.github.com/spec/v1\noid sha256:" + oid + "\nsize 012\n",
		"version https://git-lfs.github.com/spec/v2\noid sha256:" + oid + "\nsize 1", "version https://git-lfs.github.com/spec/v1\r\n", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := newPointerFile("p", []byte(text))
		if p.canonical && text != fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", p.object, p.object.size) {
			t.Errorf("%q is read as %s of %d bytes", text, p.object, p.object.size)
		}
		if p.canonical && !isPointer([]byte(text)) {
			t.Errorf("%q is canonical, and no pointer", text)
		}
	})
}

// FuzzLFSReply: whatever a server replies, each object has an address or an error.
func FuzzLFSReply(f *testing.F) {
	for _, seed := range []string{
		`{"transfer":"basic","objects":[{"oid":"a","size":1,"actions":{"download":{"href":"https://h/x","header":{"A":"b"}}}}]}`,
		`{"objects":[{"oid":"a","error":{"code":404,"message":"no"}},{"oid":"b"}]}`, `{"transfer":"tus"}`, `{"hash_algo":"sha512"}`, `[]`, `<html>`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		answers, err := readLFSReply([]byte(text))
		if err != nil && answers != nil {
			t.Errorf("%d objects with %v", len(answers), err)
		}
		for oid, answer := range answers {
			if answer.err == nil && answer.lfsAction == nil {
				t.Errorf("%q has neither an address nor an error", oid)
			}
		}
	})
}

func TestLFSURL(t *testing.T) {
	for _, text := range []string{"", "http://example.com/x", "ssh://git@example.com/x", "git@example.com:x", "file:///etc/passwd", "https://user:secret@example.com/x", "https://example.com"} {
		if u, err := lfsURL(text); err == nil {
			t.Errorf("%q is accepted as %+v", text, u)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats a password: %v", err)
		}
	}
	for _, text := range []string{"https://example.com/x?signature=a%20b&c=://", "http://127.0.0.1:80/x", "https://example.com:8443/x"} {
		if _, err := lfsURL(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLFSPath(t *testing.T) {
	for repository, want := range map[string]string{"/a/b": "/a/b.git/info/lfs", "/a/b.git": "/a/b.git/info/lfs", "/a/b.x": "/a/b.x.git/info/lfs"} {
		if got := lfsPath(repository); got != want {
			t.Errorf("%s: got %s", repository, got)
		}
	}
}
