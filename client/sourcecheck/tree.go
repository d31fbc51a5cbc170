package sourcecheck

// Trees, read as Git reads them.

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// treeEntry is one line of a tree.
type treeEntry struct {
	name string
	mode filemode.FileMode // one of those that canonicalMode returns
	id   plumbing.Hash
}

// tree reads the entries of a tree.
func (f *Folder) tree(p *pack, id plumbing.Hash) ([]treeEntry, error) {
	content, err := f.content(p, id, plumbing.TreeObject)
	if err != nil {
		return nil, err
	}
	entries, err := readTree(content)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", id, err)
	}
	return entries, nil
}

// readTree reads the content of a tree: for each entry the mode in octal, a
// space, the name, a NUL and the id. go-git's own reader isn't used because it
// takes a file for executable where Git does not.
func readTree(content []byte) ([]treeEntry, error) {
	var entries []treeEntry
	for len(content) > 0 {
		mode, rest, spaced := bytes.Cut(content, []byte(" "))
		name, rest, ended := bytes.Cut(rest, []byte{0})
		var entry treeEntry
		if !spaced || !ended || len(name) == 0 || len(rest) < len(entry.id) {
			return nil, errors.New("an entry is cut off, or has no name")
		}
		bits, err := strconv.ParseUint(string(mode), 8, 32)
		if err != nil {
			return nil, fmt.Errorf("mode: %w", err)
		}
		entry.name, entry.mode = string(name), canonicalMode(uint32(bits))
		content = rest[copy(entry.id[:], rest):]
		entries = append(entries, entry)
	}
	return entries, nil
}

// canonicalMode returns what Git makes of a mode (cache.h, canon_mode): of a
// file's bits only the one that lets its owner execute it counts.
func canonicalMode(mode uint32) filemode.FileMode {
	const kinds, executable = 0o170000, 0o100
	switch filemode.FileMode(mode & kinds) {
	case filemode.Dir:
		return filemode.Dir
	case filemode.Symlink:
		return filemode.Symlink
	case filemode.Regular & kinds:
		if mode&executable != 0 {
			return filemode.Executable
		}
		return filemode.Regular
	}
	return filemode.Submodule
}
