package gitstore

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// FuzzReadTree: a tree is refused, or has valid names in Git's order, each once.
func FuzzReadTree(f *testing.F) {
	id := strings.Repeat("i", 20)
	for _, seed := range []string{"", "100644 a\x00" + id + "40000 b\x00" + id, "40000 .git\x00" + id, "100644 a-b\x00" + id + "40000 a\x00" + id} {
		f.Add([]byte(seed))
	}
	root, err := os.OpenRoot(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, tree []byte) {
		store, err := newStore(root)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		row, err := store.add(plumbing.TreeObject, int64(len(tree)), func(w io.Writer) error {
			_, err := w.Write(tree)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		entries, err := readTree(store, row, nil)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for i, entry := range entries {
			if checkName(entry.Name) != "" || seen[entry.Name] || i > 0 && compareEntries(entries[i-1], entry) >= 0 {
				t.Fatalf("%q is accepted as entry %d", entry.Name, i)
			}
			seen[entry.Name] = true
		}
	})
}

// FuzzCheckout: whatever a tree holds, a checkout writes into its folder or fails,
// and never next to it.
func FuzzCheckout(f *testing.F) {
	blob := plumbing.ComputeHash(plumbing.BlobObject, []byte("content"))
	entry := func(mode, name string) string { return mode + " " + name + "\x00" + string(blob[:]) }
	for _, seed := range []string{entry("100644", "a"), entry("120000", "a") + entry("40000", "a/b"), entry("100644", "../a"), entry("100755", ".git") + entry("160000", "m")} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, tree []byte) {
		dir := t.TempDir()
		if err := os.MkdirAll(dir+"/outer/work", 0o700); err != nil {
			t.Fatal(err)
		}
		outer, err := os.OpenRoot(dir + "/outer")
		if err != nil {
			t.Fatal(err)
		}
		defer outer.Close()
		worktree, err := outer.OpenRoot("work")
		if err != nil {
			t.Fatal(err)
		}
		defer worktree.Close()
		treeID := plumbing.ComputeHash(plumbing.TreeObject, tree)
		commit := "tree " + treeID.String() + "\nauthor A <a@x> 1 +0000\ncommitter A <a@x> 1 +0000\n\nm\n"
		pack := rawPack(packed(t, plumbing.BlobObject, "", "content"), packed(t, plumbing.TreeObject, "", string(tree)), packed(t, plumbing.CommitObject, "", commit))
		store, err := Receive(t.Context(), bytes.NewReader(pack), outer, NewLimits(100, 10, 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		id := plumbing.ComputeHash(plumbing.CommitObject, []byte(commit))
		_, _ = Checkout(t.Context(), store, id, worktree, CheckoutOptions{Limits: NewLimits(100, 10, 1<<20), Dated: true})
		there, err := os.ReadDir(dir + "/outer")
		if err != nil || len(there) != 1 {
			t.Errorf("next to the work tree there is %v, %v", there, err)
		}
	})
}
