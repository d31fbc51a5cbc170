package sbom

import (
	"bytes"
	"reflect"
	"testing"
	"time"
)

// FuzzInventory: whatever the scanning process writes, it is an error or becomes an
// inventory that is equal after writing and reading, and of which a document can be
// made.
func FuzzInventory(f *testing.F) {
	f.Add([]byte(`{"packages":[{"name":"busybox","version":"1.35","purl":"pkg:deb/debian/busybox@1.35","path":"var/lib/dpkg/status"}]}`))
	f.Add([]byte(`{"packages":[{"name":"b"},{"name":"a"},{"name":"a"}],"unread":[{"path":"x","reason":"too long"}]}`))
	f.Add([]byte(`{"packages":null}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		first, err := read(bytes.NewReader(answer))
		if err != nil {
			return
		}
		var written bytes.Buffer
		if err := first.Write(&written); err != nil {
			t.Fatal(err)
		}
		second, err := read(&written)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("%+v became %+v", first, second)
		}
		image := Image{Repository: "registry.example.com/a/b", Tag: "1", Digest: "sha256:" + string(bytes.Repeat([]byte("0"), 64)), Created: time.Unix(0, 0), Tool: "test"}
		if _, err := Document(image, first); err != nil {
			t.Fatal(err)
		}
	})
}
