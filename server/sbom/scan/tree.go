package scan

// The file system that a container sees, by names: what each layer has is put
// into a tree as an extractor does it, and the trees are merged as overlayfs does
// it (OCI image-spec 1.1, layer.md; Documentation/filesystems/overlayfs.rst).

import (
	"archive/tar"
	"io/fs"
	"path"
	"strings"
)

const (
	whiteout = ".wh."         // before the name of what is removed
	meta     = ".wh..wh."     // before the names of what AUFS kept for itself
	opaque   = ".wh..wh..opq" // in a folder of which all that was there is removed

	maxLinks = 40 // symbolic links in one path, as in Linux
)

// node is a name in the tree: a folder, where it has children, a file, a symbolic
// link, or something else that only covers what is below it.
type node struct {
	children map[string]*node // of a folder, never nil then
	file     *content         // of a regular file
	link     string           // target of a symbolic link

	opaque  bool            // a folder that shows nothing of the layers below
	removed map[string]bool // names in a folder that are removed from the layers below
}

// content is a regular file's, which several names may share (hard links).
type content struct {
	layer  int // index of the layer that has it
	number int // of the member in that layer
	info   fs.FileInfo
}

func folder() *node { return &node{children: map[string]*node{}} }

func (n *node) isFolder() bool { return n != nil && n.children != nil }

// layerTree is the tree of one layer while it is filled. below is the tree of the
// layers under it, in which hard links may end.
type layerTree struct {
	root  *node
	below *node
	index int
	names int
}

// add takes up one member of the layer. It returns false for one that an extractor
// could not make: a hard link to nothing, a name below a file.
func (l *layerTree) add(header *tar.Header, number int) bool {
	dir, base := path.Split(path.Clean("/" + header.Name))
	if base == "" { // the root itself
		return true
	}
	parent := l.parent(dir)
	if parent == nil {
		return false
	}
	switch {
	case base == opaque:
		parent.opaque = true
	case strings.HasPrefix(base, meta) || base == whiteout:
	case strings.HasPrefix(base, whiteout):
		if parent.removed == nil {
			parent.removed = map[string]bool{}
		}
		parent.removed[strings.TrimPrefix(base, whiteout)] = true
	default:
		return l.put(parent, base, header, number)
	}
	l.names++
	return true
}

func (l *layerTree) put(parent *node, base string, header *tar.Header, number int) bool {
	made := &node{}
	switch header.Typeflag {
	case tar.TypeDir:
		if parent.children[base].isFolder() {
			return true
		}
		made = folder()
	case tar.TypeReg:
		made.file = &content{l.index, number, header.FileInfo()}
	case tar.TypeSymlink:
		made.link = header.Linkname
	case tar.TypeLink:
		target := l.linked(header.Linkname)
		if target == nil {
			return false
		}
		made = &node{file: target.file, link: target.link}
	}
	parent.children[base] = made
	l.names++
	return true
}

// linked returns what a hard link is to: something of this layer, else of those
// below, where no later layer removed it.
func (l *layerTree) linked(name string) *node {
	for _, root := range []*node{l.root, l.below} {
		if root == nil {
			continue
		}
		dir, base := path.Split(path.Clean("/" + name))
		parent := walkTo(root, dir, nil)
		if parent == nil {
			continue
		}
		if target := parent.children[base]; target != nil && !target.isFolder() {
			return target
		}
	}
	return nil
}

// parent returns the folder of the layer that a path leads to, through symbolic
// links of the layer, and makes those that are missing.
func (l *layerTree) parent(dir string) *node { return walkTo(l.root, dir, &l.names) }

// walkTo returns the folder at a path below root, nil where there is none. No link
// and no ".." leads out of root. With made it makes what is missing, and counts it.
func walkTo(root *node, dir string, made *int) *node {
	type step struct {
		at     *node
		parent *step
	}
	here, links := &step{at: root}, 0
	rest := strings.Split(dir, "/")
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			if here.parent != nil {
				here = here.parent
			}
			continue
		}
		next := here.at.children[name]
		switch {
		case next == nil && made != nil:
			*made++
			next = folder()
			here.at.children[name] = next
		case next == nil:
			return nil
		case next.link != "":
			if links++; links > maxLinks {
				return nil
			}
			rest = append(strings.Split(next.link, "/"), rest...)
			if path.IsAbs(next.link) {
				here = &step{at: root}
			}
			continue
		case !next.isFolder():
			return nil
		}
		here = &step{next, here}
	}
	return here.at
}

// merge lays the folder upper over lower and returns what is seen.
func merge(lower, upper *node) *node {
	if !lower.isFolder() || upper.opaque {
		return upper.plain()
	}
	for name := range upper.removed {
		delete(lower.children, name)
	}
	for name, above := range upper.children {
		if above.isFolder() {
			above = merge(lower.children[name], above)
		}
		lower.children[name] = above
	}
	return lower
}

// plain returns a folder without its marks about the layers below it.
func (n *node) plain() *node {
	n.opaque, n.removed = false, nil
	for _, child := range n.children {
		if child.isFolder() {
			child.plain()
		}
	}
	return n
}

// files calls see with the name of each regular file, as "a/b".
func (n *node) files(name string, see func(name string, file *content)) {
	for base, child := range n.children {
		at := path.Join(name, base)
		switch {
		case child.isFolder():
			child.files(at, see)
		case child.file != nil:
			see(at, child.file)
		}
	}
}
