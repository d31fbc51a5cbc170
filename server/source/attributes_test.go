package source

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/opensbs/sbs/server/source/gitconfig"
	"github.com/opensbs/sbs/server/source/gitstore"
)

// storeOf returns a store of blobs, and their ids.
func storeOf(t *testing.T, contents ...string) (*gitstore.Store, []plumbing.Hash) {
	t.Helper()
	objects := memory.NewStorage()
	var ids []plumbing.Hash
	for _, content := range contents {
		object := &plumbing.MemoryObject{}
		object.SetType(plumbing.BlobObject)
		if _, err := object.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
		id, err := objects.SetEncodedObject(object)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	var pack bytes.Buffer
	if _, err := packfile.NewEncoder(&pack, objects, false).Encode(ids, 0); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store, err := gitstore.Receive(t.Context(), &pack, root, newLimits(0, 100, 1<<20).Limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	})
	return store, ids
}

// A tree with more rules and files than are counted.
func TestAttributesAreBounded(t *testing.T) {
	store, ids := storeOf(t, "* ident\n"+strings.Repeat("x ident\n", 60_000), "$Id$\n")
	c := &checkout{store: store}
	add := func(path string, id plumbing.Hash) {
		c.Entries = append(c.Entries, &index.Entry{Name: path, Hash: id, Mode: 0o100644})
	}
	add(gitconfig.AttributesFile, ids[0])
	for range 2_000 {
		add("a/f", ids[1])
	}
	var log bytes.Buffer
	if err := c.reportAttributes(t.Context(), &log); err != nil || !strings.HasPrefix(log.String(), "at least ") {
		t.Errorf("got %v, %q", err, &log)
	}
}
