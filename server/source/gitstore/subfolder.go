package gitstore

import "os"

// lazyFolder is a folder of the work tree that is made with the first thing
// in it: a tree without files makes none, as in Git.
type lazyFolder struct {
	parent *lazyFolder // nil: the root is there
	name   string
	root   *os.Root
}

// open returns the folder, which is made unless it was.
func (f *lazyFolder) open() (*os.Root, error) {
	if f.root != nil {
		return f.root, nil
	}
	parent, err := f.parent.open()
	if err != nil {
		return nil, err
	}
	f.root, err = CreateFolder(parent, f.name)
	return f.root, err
}

// close closes a folder that was made here.
func (f *lazyFolder) close() error {
	if f.parent == nil || f.root == nil {
		return nil
	}
	return f.root.Close()
}
