package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
)

// A pointer of Git LFS begins with its version and is shorter than 1024 bytes
// (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
const maxPointer = 1024

var (
	pointerStart     = []byte("version https://git-lfs.github.com/spec/")
	canonicalPointer = regexp.MustCompile(`\Aversion https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (0|[1-9][0-9]{0,17})\n\z`)
)

// isPointer reports whether the content of a file is a pointer, in whatever form.
func isPointer(content []byte) bool {
	return len(content) < maxPointer && bytes.HasPrefix(content, pointerStart)
}

// lfsObject is the object that a pointer names.
type lfsObject struct {
	id   [sha256.Size]byte
	size int64
}

// String returns the id as the batch API has it.
func (o lfsObject) String() string { return hex.EncodeToString(o.id[:]) }

// pointerFile is a file of the work tree that is a pointer.
type pointerFile struct {
	path      string
	object    lfsObject
	canonical bool // as git-lfs writes it: the object's id and size make exactly these bytes
}

func newPointerFile(path string, content []byte) pointerFile {
	p := pointerFile{path: path}
	parts := canonicalPointer.FindSubmatch(content)
	if parts == nil {
		return p
	}
	p.canonical = true
	_, _ = hex.Decode(p.object.id[:], parts[1])                   // 64 digits
	p.object.size, _ = strconv.ParseInt(string(parts[2]), 10, 64) // at most 18 digits
	return p
}

// LFSError means that an object of Git LFS could not be fetched.
type LFSError struct {
	Path   string // of the file, from the top of its repository
	Reason error
}

func (e *LFSError) Error() string {
	return fmt.Sprintf("the Git LFS object of %q: %v", e.Path, e.Reason)
}

func (e *LFSError) Unwrap() error { return e.Reason }
