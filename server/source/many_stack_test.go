//go:build stack

package source

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// More references than version 0 could list within its bound do not matter to
// version 2, which sends only those that are asked for.
func TestMillionReferences(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	commit := s.create(t, "one.git", map[string]gitserver.File{"a": {Content: "a"}})
	file, err := os.Create(filepath.Join(s.root, "one.git", "packed-refs"))
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(file)
	fmt.Fprintln(out, "# pack-refs with: peeled fully-peeled sorted ")
	for i := range 1_100_000 {
		fmt.Fprintf(out, "%s refs/changes/%07d\n", commit, i)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for _, request := range []Request{s.ssh("one.git"), s.https("one.git")} {
		for _, reference := range []string{"", "main", commit, "refs/changes/0999999"} {
			request.Reference = reference
			if _, checkout := clone(t, request); checkout.Commit != commit {
				t.Errorf("%q is %s", reference, checkout.Commit)
			}
		}
	}
}
