package signedmanifest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/test/gitfolder"
)

func TestRead(t *testing.T) {
	defer goleak.VerifyNone(t)
	key, other := twoKeys(t)
	sample := gitfolder.NewSample(t)
	var tbz, out bytes.Buffer
	digest, err := manifest.Write(t.Context(), &tbz, manifest.Contents{
		Record: []byte(`{"build_name":"` + build + `"}`), Log: io.NewSectionReader(strings.NewReader("log\n"), 0, 4),
		Git: sample.FS(), Modified: time.Unix(1, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := manifest.Sign(digest, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := manifest.WriteSigned(t.Context(), &out, manifest.Name(build), &tbz, int64(tbz.Len()), signature, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	dir, scratch := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "any.name")
	write := func(content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	nothingLeft := func() {
		t.Helper()
		left, err := os.ReadDir(scratch)
		beside, err2 := os.ReadDir(dir)
		if err != nil || err2 != nil || len(left) > 0 || len(beside) != 1 {
			t.Errorf("remain: %v, %v", left, beside)
		}
	}
	write(out.Bytes())
	contents, err := Read(t.Context(), path, &key.PublicKey, scratch)
	if err != nil || contents.SourceErr != nil {
		t.Fatal(err, contents.SourceErr)
	}
	if contents.Name != manifest.Name(build) || contents.Digest != digest || contents.Source.Commit != sample.Head.String() ||
		!strings.Contains(string(contents.Summary.Record), build) || len(contents.Summary.Data) != 2 {
		t.Errorf("%+v", contents)
	}
	nothingLeft()

	if _, err := Read(t.Context(), path, &other.PublicKey, scratch); !errors.Is(err, manifest.ErrSignature) {
		t.Errorf("with another key: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := Read(ctx, path, &key.PublicKey, scratch); !errors.Is(err, gone) {
		t.Errorf("after the end of the context: %v", err)
	}
	write(out.Bytes()[:out.Len()/2])
	if _, err := Read(t.Context(), path, &key.PublicKey, scratch); !errors.Is(err, manifest.ErrFormat) {
		t.Errorf("cut in half: %v", err)
	}
	nothingLeft()
}

// A folder git/ that is no clone does not hide the rest of a manifest.
func TestReadDistinguishesSourceErrors(t *testing.T) {
	key, _ := twoKeys(t)
	contents, err := Read(t.Context(), signedFile(t, key, build, build), &key.PublicKey, t.TempDir())
	if err != nil || contents.SourceErr == nil || contents.Source.Commit != "" || contents.Summary.Files != 2 {
		t.Errorf("%+v, %v", contents, err)
	}
}

func TestUnpackedSizeIsBounded(t *testing.T) {
	reader := &boundedReader{strings.NewReader("12345"), 4}
	if _, err := io.ReadAll(reader); !errors.Is(err, manifest.ErrFormat) {
		t.Errorf("read %v", err)
	}
	var out bytes.Buffer
	writer := &boundedWriter{&out, 4}
	if _, err := io.WriteString(writer, "12345"); !errors.Is(err, manifest.ErrFormat) || out.Len() > 4 {
		t.Errorf("written %q, %v", &out, err)
	}
}
