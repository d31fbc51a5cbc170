package client

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestSaveManifestWritesAllOrNothing(t *testing.T) {
	ids := usualIdentities(t)
	content := bytes.Repeat([]byte{0, 0xff, 'a'}, 50_000)
	encoded := base64.StdEncoding.EncodeToString(content)
	for _, test := range []struct{ name, reply, want string }{
		{"name first", `{"manifest_name":"manifest.n","encoded_manifest":"` + encoded + `"}`, ""},
		{"name last, and more", `{"x":[1,{"encoded_manifest":2}],"encoded_manifest":"` + encoded + `","manifest_name":"manifest.n"}`, ""},
		{"escaped slashes", `{"manifest_name":"manifest.n","encoded_manifest":"` + strings.ReplaceAll(encoded, "/", `\/`) + `"}`, ""},
		{"no name", `{"encoded_manifest":"` + encoded + `"}`, "no manifest or no proper manifest name"},
		{"no manifest", `{"manifest_name":"manifest.n"}`, "no manifest or no proper manifest name"},
		{"another file's name", `{"manifest_name":"sbs-config.json","encoded_manifest":"YWJj"}`, "no proper manifest name"},
		{"not base64", `{"manifest_name":"manifest.n","encoded_manifest":"YW%j"}`, "damaged"},
		{"cut off", `{"manifest_name":"manifest.n","encoded_manifest":"` + encoded[:40_000], "closed the connection"},
		{"number", `{"manifest_name":"manifest.n","encoded_manifest":7}`, "can't be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var seen received
			c := ids.with(t, answering(&seen, 200, test.reply))
			folder := t.TempDir()
			name, path, err := c.SaveManifest(t.Context(), "", folder)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %q in it", err, test.want)
				}
				if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
					t.Errorf("remain: %v, %v", left, err)
				}
				return
			}
			if err != nil || name != "manifest.n" || !strings.HasSuffix(path, "/manifest.n.sig.tbz") {
				t.Fatalf("got %s, %s, %v", name, path, err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
				t.Errorf("the file is not what was sent (%v)", err)
			}
		})
	}
}

// A manifest of any size must not be held in memory: receiving 12 MB of it may
// allocate only a small part of that.
func TestManifestIsStreamed(t *testing.T) {
	const blocks = 256
	block := bytes.Repeat([]byte("manifest"), 6<<10) // a multiple of three, so that the base64 can be joined
	encoded := base64.StdEncoding.EncodeToString(block)
	c := with(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, text := range append(append([]string{`{"manifest_name":"manifest.n","encoded_manifest":"`}, slices.Repeat([]string{encoded}, blocks)...), `"}`) {
			if _, err := io.WriteString(w, text); err != nil {
				t.Error(err)
				return
			}
		}
	})
	got := sha256.New()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := c.Manifest(t.Context(), "", got); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	want := sha256.New()
	for range blocks {
		want.Write(block)
	}
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Error("the manifest arrived changed")
	}
	// To hold it would take its base64 and itself, more than twice its size. The
	// race detector empties pools at random, so it takes some more than usual.
	size := uint64(blocks * len(block))
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > size*2/3 {
		t.Errorf("%d MB were allocated for a manifest of %d MB", allocated>>20, size>>20)
	}
}
