package gitstore

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// readTree appends the entries of a tree to entries. It verifies what every reader
// of trees relies on: names that may be written, in order, each once. go-git's
// reader hashes the tree once more and makes a string of each name and mode; a long
// history has millions of them.
func readTree(store *Store, row int32, entries []gitobject.TreeEntry) ([]gitobject.TreeEntry, error) {
	content, err := store.content(row)
	if err != nil {
		return nil, err
	}
	first := len(entries)
	for text := string(content); text != ""; {
		var entry gitobject.TreeEntry
		if entry, text, err = cutEntry(text); err != nil {
			return nil, fmt.Errorf("tree %s: %w", store.table[row].id, err)
		}
		if reason := checkName(entry.Name); reason != "" {
			return nil, &TreeError{entry.Name, reason}
		}
		if !follows(entry, entries[first:]) {
			return nil, &TreeError{entry.Name, "the names of its folder are out of order, or one is there twice"}
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// cutEntry reads the first entry of a tree: the mode in octal, a space, the
// name, a NUL, and the 20 bytes of the id (Git's fsck.c, fsck_tree).
func cutEntry(text string) (entry gitobject.TreeEntry, rest string, err error) {
	mode, rest, spaced := strings.Cut(text, " ")
	name, rest, ended := strings.Cut(rest, "\x00")
	if !spaced || !ended || len(rest) < len(entry.Hash) {
		return entry, "", errors.New("an entry is cut off")
	}
	bits, err := strconv.ParseUint(mode, 8, 32)
	if err != nil {
		return entry, "", fmt.Errorf("mode: %w", err)
	}
	entry = gitobject.TreeEntry{Name: name, Mode: canonicalMode(filemode.FileMode(bits))}
	copy(entry.Hash[:], rest)
	return entry, rest[len(plumbing.ZeroHash):], nil
}

// canonicalMode is Git's canon_mode: all but files, links and folders are
// submodules. A file is executable if its owner may execute it (ce_permissions),
// whatever the bits of the group and of others are.
func canonicalMode(mode filemode.FileMode) filemode.FileMode {
	switch mode & 0o170000 {
	case filemode.Dir:
		return filemode.Dir
	case filemode.Symlink:
		return filemode.Symlink
	case 0o100000:
		if mode&0o100 != 0 {
			return filemode.Executable
		}
		return filemode.Regular
	}
	return filemode.Submodule
}

// follows reports whether entry may come after the entries before it. Git sorts a
// folder as if its name ended with a slash (base_name_compare), so a file of the
// same name may come earlier.
func follows(entry gitobject.TreeEntry, before []gitobject.TreeEntry) bool {
	if len(before) == 0 {
		return true
	}
	if compareEntries(before[len(before)-1], entry) >= 0 {
		return false
	}
	if entry.Mode != filemode.Dir {
		return true
	}
	_, twice := slices.BinarySearchFunc(before, gitobject.TreeEntry{Name: entry.Name}, compareEntries)
	return !twice
}

func compareEntries(a, b gitobject.TreeEntry) int {
	n := min(len(a.Name), len(b.Name))
	if order := strings.Compare(a.Name[:n], b.Name[:n]); order != 0 {
		return order
	}
	return int(byteAfter(a, n)) - int(byteAfter(b, n))
}

// byteAfter returns the byte after the first n of an entry's name, as Git sorts it.
func byteAfter(entry gitobject.TreeEntry, n int) byte {
	switch {
	case n < len(entry.Name):
		return entry.Name[n]
	case entry.Mode == filemode.Dir:
		return '/'
	}
	return 0
}
