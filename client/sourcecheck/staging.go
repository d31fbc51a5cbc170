package sourcecheck

// The file "index" of a Git folder, which git status believes: it must list the
// commit's files, and hide none.

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// staging is the SHA-256 over what an index lists.
type staging [32]byte

// listing is one line of an index.
type listing struct {
	name string // from the top of the repository
	id   plumbing.Hash
	mode filemode.FileMode
}

func (l listing) writeTo(h hash.Hash) {
	fmt.Fprintf(h, "%o %s %d %s\n", uint32(l.mode), l.id, len(l.name), l.name)
}

func readStaging(size int64, content io.Reader) (staging, error) {
	if size > maxIndex {
		return staging{}, errors.New("it is longer than an index gets")
	}
	var read index.Index
	if err := index.NewDecoder(content).Decode(&read); err != nil {
		return staging{}, err
	}
	h := sha256.New()
	for _, e := range read.Entries {
		if e.Stage != 0 || e.SkipWorktree || e.IntentToAdd {
			return staging{}, fmt.Errorf("it hides %q from git status", e.Name)
		}
		listing{e.Name, e.Hash, e.Mode}.writeTo(h)
	}
	return staging(h.Sum(nil)), nil
}

// stagingOf is that of an index which lists just this.
func stagingOf(listed []listing) staging {
	slices.SortFunc(listed, func(a, b listing) int { return strings.Compare(a.name, b.name) })
	h := sha256.New()
	for _, l := range listed {
		l.writeTo(h)
	}
	return staging(h.Sum(nil))
}
