package sourcecheck

// What comes out of the archive, sorted into what belongs to Git and what
// belongs to the work tree.

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/opensbs/sbs/api/ctxio"
)

// Folder is a manifest's git/ folder as far as it was seen. Close it.
type Folder struct {
	scratch *scratch
	packs   map[string]*pack    // by the path of the pack
	indexes map[string][32]byte // SHA-256 of a pack's index, by its path
	staged  map[string]staging  // what a file "index" holds, by its path
	texts   map[string]string   // the other files of Git folders, and of files named .git
	work    map[string]entry    // the work trees, by path
	buffer  []byte

	entries, compared, objects, packed, checkedOut, written allowance
}

// entry is a file, link or folder of the work tree.
type entry struct {
	mode filemode.FileMode
	id   plumbing.Hash // of the blob that its content makes; zero for folders
	lfs  plumbing.Hash // of the blob of the pointer by which Git LFS replaces a file's content
}

// gitFolder is the repository's own; those of submodules lie in it.
const gitFolder = ".git"

// NewFolder is a folder of which nothing was seen. Its scratch file is made in
// dir, which only this user should be able to read, and is gone after Close.
func NewFolder(dir string) (*Folder, error) {
	scratch, err := newScratch(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{
		scratch:    scratch,
		packs:      map[string]*pack{},
		indexes:    map[string][32]byte{},
		staged:     map[string]staging{},
		texts:      map[string]string{},
		work:       map[string]entry{},
		buffer:     make([]byte, 64<<10),
		entries:    newAllowance("files and folders", maxEntries),
		compared:   newAllowance("entries in its trees", maxEntries),
		objects:    newAllowance("objects", maxObjects),
		packed:     newAllowance("bytes in its objects", maxBytes),
		checkedOut: newAllowance("bytes in its files", maxBytes),
		written:    newAllowance("bytes in texts of Git", maxText),
	}, nil
}

// Close removes the scratch file.
func (f *Folder) Close() error { return f.scratch.close() }

// Add takes one member: name is its path below git/, header and content are as
// the archive has them. An error is one about the folder, unless ctx ended.
func (f *Folder) Add(ctx context.Context, name string, header *tar.Header, content io.Reader) error {
	if err := f.entries.take(1); err != nil {
		return err
	}
	if name != path.Clean(name) || !isBelow(name) || len(name) > maxPath || strings.ContainsRune(name, 0) {
		return fmt.Errorf("the name %.200q can't be one of a clone", name)
	}
	content = ctxio.Reader(ctx, content)
	inGit := name == gitFolder || strings.HasPrefix(name, gitFolder+"/")
	switch {
	case inGit && header.Typeflag == tar.TypeDir:
		return nil // Git requires some empty folders, which have no meaning
	case inGit && header.Typeflag == tar.TypeReg:
		return f.addGit(name, header.Size, content)
	case inGit:
		return fmt.Errorf("%s is neither file nor folder", name)
	}
	return f.addWork(name, header, content)
}

// isBelow reports whether a clean path leads to something below its start.
func isBelow(name string) bool {
	return name != "." && name != ".." && !strings.HasPrefix(name, "../") && !strings.HasPrefix(name, "/")
}

func (f *Folder) addWork(name string, header *tar.Header, content io.Reader) error {
	if _, twice := f.work[name]; twice {
		return fmt.Errorf("%s is there twice", name)
	}
	found := entry{mode: filemode.Dir}
	var err error
	switch header.Typeflag {
	case tar.TypeDir:
	case tar.TypeSymlink:
		found.mode = filemode.Symlink
		found.id = plumbing.ComputeHash(plumbing.BlobObject, []byte(header.Linkname))
	case tar.TypeReg:
		if path.Base(name) == ".git" { // of a submodule
			return f.addText(name, header.Size, content)
		}
		found.mode, err = fileMode(name, header.Mode)
		if err == nil {
			found.id, found.lfs, err = f.blobIDs(header.Size, content)
		}
	default:
		err = fmt.Errorf("%s is neither file, folder nor symbolic link", name)
	}
	f.work[name] = found
	return err
}

// fileMode returns the part of a mode that Git stores.
func fileMode(name string, mode int64) (filemode.FileMode, error) {
	switch mode {
	case 0o644:
		return filemode.Regular, nil
	case 0o755:
		return filemode.Executable, nil
	}
	return 0, fmt.Errorf("%s has the mode %o, which no clone has", name, mode)
}

// blobIDs returns the id that content has as Git's blob, and that of the pointer
// that Git LFS stores instead of it.
func (f *Folder) blobIDs(size int64, content io.Reader) (blob, lfs plumbing.Hash, err error) {
	if err := f.checkedOut.take(size); err != nil {
		return blob, lfs, err
	}
	hasher, sum := plumbing.NewHasher(plumbing.BlobObject, size), sha256.New()
	if _, err := io.CopyBuffer(io.MultiWriter(hasher, sum), content, f.buffer); err != nil {
		return blob, lfs, err
	}
	return hasher.Sum(), pointerID(sum.Sum(nil), size), nil
}

// pointerID returns the id of the one pointer to a content: its
// form is fixed (git-lfs, docs/spec.md).
func pointerID(sum []byte, size int64) plumbing.Hash {
	return plumbing.ComputeHash(plumbing.BlobObject, fmt.Appendf(nil, "version https://git-lfs.github.com/spec/v1\noid sha256:%x\nsize %d\n", sum, size))
}

// What Git's files that are no text begin with. Their names are ambiguous: a branch
// may be called index.
const (
	packMagic    = "PACK"
	indexMagic   = "\xfftOc" // of a pack
	stagingMagic = "DIRC"
)

func (f *Folder) addGit(name string, size int64, content io.Reader) error {
	if f.isKnown(name) {
		return fmt.Errorf("%s is there twice", name)
	}
	buffered := bufio.NewReader(content)
	magic, err := buffered.Peek(len(packMagic))
	if err != nil && !errors.Is(err, io.EOF) { // a text may be shorter
		return fmt.Errorf("%s: %w", name, err)
	}
	switch string(magic) {
	case packMagic:
		f.packs[name], err = f.readPack(buffered)
	case indexMagic:
		f.indexes[name], err = sumOf(size, buffered)
	case stagingMagic:
		f.staged[name], err = readStaging(size, buffered)
	default:
		err = f.addText(name, size, buffered)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (f *Folder) isKnown(name string) bool {
	_, a := f.packs[name]
	_, b := f.indexes[name]
	_, c := f.staged[name]
	_, d := f.texts[name]
	return a || b || c || d
}

func (f *Folder) addText(name string, size int64, content io.Reader) error {
	if err := f.written.take(size); err != nil {
		return err
	}
	if _, twice := f.texts[name]; twice {
		return errors.New("it is there twice")
	}
	text, err := io.ReadAll(content)
	f.texts[name] = string(text)
	return err
}
