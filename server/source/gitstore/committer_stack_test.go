//go:build stack

package gitstore

import (
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// git finds a date in the lines of committers in which committedAt does.
func TestCommittersAsGitReadsThem(t *testing.T) {
	dir := t.TempDir()
	git := func(stdin string, arguments ...string) string {
		t.Helper()
		out, err := gitserver.Git(t.Context(), dir, strings.NewReader(stdin), arguments...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	git("", "init", "--quiet")
	tree := git("", "write-tree")
	for line, readable := range committers {
		text := strings.Replace(commitBy(line), strings.Repeat("0", 40), tree, 1)
		id := git(text, "hash-object", "--literally", "-t", "commit", "-w", "--stdin")
		if got := git("", "show", "-s", "--format=%ct", id); (got == "1312735823") != readable {
			t.Errorf("%q: git reads the date %q", line, got)
		}
	}
}
