package manifest

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/opensbs/sbs/test/kit/golden"
)

const name = "manifest.docker.io.ns.repo.v1-ad52e76.2021-02-10_15-37-37.178350"

var modified = time.Date(2021, 2, 10, 15, 37, 37, 0, time.UTC)

func goldenKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	text, err := os.ReadFile("testdata/key.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

func contents(record string, tree fs.FS) Contents {
	log := "2020-06-23 05:25:42,453  root       INFO    starting a build\n"
	return Contents{
		Record:   []byte(record),
		Log:      io.NewSectionReader(strings.NewReader(log+"this came later"), 0, int64(len(log))),
		Git:      tree,
		Modified: modified,
	}
}

var sample = fstest.MapFS{
	"Dockerfile":                           {Data: []byte("FROM scratch\nCOPY a /\n"), Mode: 0o644},
	"run.sh":                               {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
	"link":                                 {Data: []byte("run.sh"), Mode: fs.ModeSymlink | 0o777},
	".git/refs":                            {Mode: fs.ModeDir | 0o755},
	"weird\nname":                          {Data: []byte("x"), Mode: 0o600},
	"long" + strings.Repeat("/abcdef", 40): {Mode: fs.ModeDir | 0o755},
	"Ünïcödé":                              {Data: []byte("y"), Mode: 0o444},
}

// signed makes a whole signed manifest.
func signed(t testing.TB, c Contents, key *rsa.PrivateKey) []byte {
	t.Helper()
	var tbz, out bytes.Buffer
	digest, err := Write(context.Background(), &tbz, c)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := Sign(digest, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteSigned(context.Background(), &out, name, bytes.NewReader(tbz.Bytes()), int64(tbz.Len()), signature, modified); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestGolden pins the format to the byte, on every architecture.
func TestGolden(t *testing.T) {
	golden.Check(t, "golden.sig.tbz", signed(t, contents(`{"status":"success"}`, sample), goldenKey(t)))
}

func TestMembers(t *testing.T) {
	var tbz bytes.Buffer
	if _, err := Write(context.Background(), &tbz, contents("{}", sample)); err != nil {
		t.Fatal(err)
	}
	var names []string
	archive := tar.NewReader(bzip2.NewReader(&tbz))
	for {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
		if !header.ModTime.Equal(modified) || header.Uid != 0 || header.Gid != 0 || header.Uname != "" {
			t.Errorf("%s: time %v, owner %d:%d %q", header.Name, header.ModTime, header.Uid, header.Gid, header.Uname)
		}
		want := int64(0o644)
		switch {
		case header.Typeflag == tar.TypeSymlink:
			want = 0o777
		case header.Typeflag == tar.TypeDir, header.Name == "git/run.sh":
			want = 0o755
		}
		if header.Mode != want {
			t.Errorf("%s has mode %o, want %o", header.Name, header.Mode, want)
		}
	}
	for _, want := range []string{"data/build.json", "data/build.log", "git/.git/refs/", "git/link", "git/weird\nname"} {
		if !slices.Contains(names, want) {
			t.Errorf("%q is missing in %q", want, names)
		}
	}
}

func TestVerify(t *testing.T) {
	key := goldenKey(t)
	good := signed(t, contents(`{"status":"success"}`, sample), key)
	got, summary, err := Verify(bytes.NewReader(good), &key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != name || string(summary.Record) != `{"status":"success"}` || summary.Files != 5 {
		t.Errorf("got %s with %s and %d files", got.Name, summary.Record, summary.Files)
	}
}

// TestSignatureIsOverTheDigest spells the scheme out again, without the package.
func TestSignatureIsOverTheDigest(t *testing.T) {
	key := goldenKey(t)
	var tbz bytes.Buffer
	got, err := Split(bytes.NewReader(signed(t, contents("{}", sample), key)), &tbz)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(tbz.Bytes())
	message := sha256.Sum256(digest[:])
	if err := rsa.VerifyPKCS1v15(&key.PublicKey, 5 /* crypto.SHA256 */, message[:], got.Signature); err != nil {
		t.Error(err)
	}
}

func TestContextEndsWriting(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := Write(ctx, io.Discard, contents("{}", sample)); !errors.Is(err, gone) {
		t.Errorf("got %v, want the context's cause", err)
	}
}
