//go:build stack

package source

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// dateOfTests is the date in the lines of committers that git reads.
const dateOfTests = "1312735823"

// Committer lines that git finds a date in are read, as that date.
func TestCommittersAsGitReadsThem(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", map[string]gitserver.File{"f": {Content: "f\n"}})
	tree := s.git(t, "one.git", "", "rev-parse", "main^{tree}")
	for line, readable := range committers {
		t.Run(line, func(t *testing.T) {
			text := strings.Replace(commitBy(line), strings.Repeat("0", 40), tree, 1)
			id := s.git(t, "one.git", text, "hash-object", "--literally", "-t", "commit", "-w", "--stdin")
			if got := s.git(t, "one.git", "", "show", "-s", "--format=%ct", id); (got == dateOfTests) != readable {
				t.Errorf("git reads the date %q", got)
			}
			s.git(t, "one.git", "", "update-ref", "refs/heads/main", id)
			if readable || lenient[line] {
				if _, checkout := clone(t, s.https("one.git")); checkout.Committed.Unix() != 1312735823 || checkout.Committed.Location() != time.UTC {
					t.Errorf("got %v", checkout.Committed)
				}
				return
			}
			var date *DateError
			if err := refuse(t, s.https("one.git")); !errors.As(err, &date) || !date.Unreadable {
				t.Errorf("got %v", err)
			}
		})
	}
}

// The commit of a submodule needs no date.
func TestSubmoduleWithoutDate(t *testing.T) {
	s := newStack(t, gitserver.Options{AllowAnySHA1InWant: true})
	s.create(t, "one.git", map[string]gitserver.File{"f": {Content: "f\n"}})
	tree := s.git(t, "one.git", "", "rev-parse", "main^{tree}")
	for i, line := range []string{"A <a@x> -1 +0000", "A a@x", "A <a@x> 99999999999999 +0000"} {
		text := strings.Replace(commitBy(line), strings.Repeat("0", 40), tree, 1)
		id := s.git(t, "one.git", text, "hash-object", "--literally", "-t", "commit", "-w", "--stdin")
		s.git(t, "one.git", "", "update-ref", "refs/heads/main", id)
		name := fmt.Sprintf("top-%d.git", i)
		s.create(t, name, map[string]gitserver.File{".gitmodules": modules("m", "sub", "../one.git"), "sub": {Mode: gitserver.Submodule, Content: id}})
		request := s.https(name)
		request.Submodules = true
		if _, checkout := clone(t, request); len(checkout.Submodules) != 1 {
			t.Errorf("%q: got %+v", line, checkout)
		}
	}
}
