package manifest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// FuzzVerify checks that no input panics or passes without the key's signature.
func FuzzVerify(f *testing.F) {
	key := goldenKey(f)
	good := signed(f, contents("{}", fstest.MapFS{"a": {Data: []byte("b")}}), key)
	f.Add(good)
	f.Add([]byte("BZh9"))
	f.Fuzz(func(t *testing.T, input []byte) {
		_, _, err := Verify(bytes.NewReader(input), &key.PublicKey)
		if err == nil && !bytes.HasPrefix(input, good) {
			t.Fatalf("accepted: %s", hex.EncodeToString(input))
		}
	})
}

// FuzzWriteRead checks that what is written is read, whatever is in it.
func FuzzWriteRead(f *testing.F) {
	f.Add("a", []byte("b"), `{"x":1}`)
	f.Fuzz(func(t *testing.T, file string, data []byte, record string) {
		if !fs.ValidPath(file) || file == "." {
			return
		}
		var tbz bytes.Buffer
		digest, err := Write(context.Background(), &tbz, contents(record, fstest.MapFS{file: {Data: data, Mode: 0o644}}))
		if err != nil {
			if strings.ContainsRune(file, 0) {
				return // no archive can name it, and no file system holds it
			}
			t.Fatal(err)
		}
		if digest != sha256.Sum256(tbz.Bytes()) {
			t.Fatal("the digest is not that of the archive")
		}
		summary, err := Read(&tbz)
		if err != nil {
			if errors.Is(err, ErrFormat) && strings.Contains(err.Error(), "not JSON") {
				return
			}
			t.Fatal(err)
		}
		if summary.Files != 1 || summary.Bytes != int64(len(data)) || string(summary.Record) != record {
			t.Fatalf("read %+v", summary)
		}
	})
}
