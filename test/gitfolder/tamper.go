package gitfolder

// Defects of a folder.

import (
	"archive/tar"
	"io/fs"
	"strings"
	"testing/fstest"
)

// Pack returns the path of a Git folder's pack without its extension.
func (m Members) Pack(git string) string {
	for name := range m {
		if stem, ok := strings.CutSuffix(name, ".pack"); ok && strings.HasPrefix(name, git+"/objects/") {
			return stem
		}
	}
	return ""
}

// Repack replaces the main repository's Git folder by one of its present objects.
func (s Sample) Repack(head string) {
	stem := s.Pack(".git")
	config, shallow := s.Members[".git/config"].Content, s.Members[".git/shallow"]
	delete(s.Members, stem+".pack")
	delete(s.Members, stem+".idx")
	s.Main.GitFolder(s.Members, ".git", config, head)
	s.Members[".git/shallow"] = shallow
}

// FlipBit changes one bit of a member, at an offset from its beginning or, if
// negative, from its end.
func (m Members) FlipBit(name string, at int) {
	one := m[name]
	content := []byte(one.Content)
	if at < 0 {
		at += len(content)
	}
	content[at] ^= 1
	one.Content = string(content)
	m[name] = one
}

// FS returns the folder as a file system, which package manifest archives.
func (m Members) FS() fs.FS {
	tree := fstest.MapFS{}
	for name, one := range m {
		mode := fs.FileMode(one.Mode) //nolint:gosec // permission bits
		switch one.Kind {
		case tar.TypeDir:
			mode |= fs.ModeDir
		case tar.TypeSymlink:
			mode |= fs.ModeSymlink
		}
		tree[name] = &fstest.MapFile{Data: []byte(one.Content), Mode: mode}
	}
	return tree
}
