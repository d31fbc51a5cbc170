//go:build stack

package source

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/opensbs/sbs/server/source/gitstore"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// The date of a clone is that of the committer line, which git reads leniently; a
// commit without one is refused.
func TestDateOfAClone(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", map[string]gitserver.File{"f": {Content: "f\n"}})
	tree := s.git(t, "one.git", "", "rev-parse", "main^{tree}")
	commit := func(line string) {
		id := s.git(t, "one.git", commitBy(tree, line), "hash-object", "--literally", "-t", "commit", "-w", "--stdin")
		s.git(t, "one.git", "", "update-ref", "refs/heads/main", id)
	}
	commit("A <a> b>\t1312735823x +0200")
	if _, checkout := clone(t, s.https("one.git")); checkout.Committed.Unix() != 1312735823 || checkout.Committed.Location() != time.UTC {
		t.Errorf("got %v", checkout.Committed)
	}
	commit("A a@x 1312735823 +0000")
	var date *gitstore.DateError
	if err := refuse(t, s.https("one.git")); !errors.As(err, &date) || !date.Unreadable {
		t.Errorf("got %v", err)
	}
}

func commitBy(tree, committer string) string {
	return "tree " + tree + "\nauthor A <a@x> 1 +0000\ncommitter " + committer + "\n\nmessage\n"
}

// The commit of a submodule needs no date.
func TestSubmoduleWithoutDate(t *testing.T) {
	s := newStack(t, gitserver.Options{AllowAnySHA1InWant: true})
	s.create(t, "one.git", map[string]gitserver.File{"f": {Content: "f\n"}})
	tree := s.git(t, "one.git", "", "rev-parse", "main^{tree}")
	for i, line := range []string{"A <a@x> -1 +0000", "A a@x", "A <a@x> 99999999999999 +0000"} {
		text := commitBy(tree, line)
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
