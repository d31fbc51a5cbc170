package gitfolder

// Ways of making a folder wrong.

import (
	"archive/tar"
	"io/fs"
	"strings"
	"testing/fstest"
)

// Pack is the name of a Git folder's pack without its ending.
func (m Members) Pack(git string) string {
	for name := range m {
		if stem, ok := strings.CutSuffix(name, ".pack"); ok && strings.HasPrefix(name, git+"/objects/") {
			return stem
		}
	}
	return ""
}

// Repack writes the main repository's Git folder anew.
func (s Sample) Repack(head string) {
	stem := s.Pack(".git")
	config, shallow := s.Members[".git/config"].Content, s.Members[".git/shallow"]
	delete(s.Members, stem+".pack")
	delete(s.Members, stem+".idx")
	s.Main.GitFolder(s.Members, ".git", config, head)
	s.Members[".git/shallow"] = shallow
}

// Flip changes one bit of a member, at an offset from its beginning or its end.
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

// FS is the folder as package manifest archives it.
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
