package sourcecheck

import "fmt"

// Bounds of one folder with all its submodules: those under which the server
// clones.
const (
	maxEntries = 1_000_000 // files, links and folders
	maxObjects = 4_000_000
	maxBytes   = 4 << 30 // of the objects, uncompressed, and again of the files
)

// Bounds of single things.
const (
	maxParsed    = 32 << 20  // bytes of a commit or a tree
	maxText      = 64 << 20  // bytes of all texts of Git folders, which are held in memory
	maxIndex     = 256 << 20 // bytes of "index" and of a pack's index
	maxDepth     = 200       // folders within folders
	maxPath      = 4096      // bytes of a path and of a link
	maxSubmodule = 10        // submodules within submodules
)

// allowance is the unused part of a bound.
type allowance struct {
	what        string
	limit, left int64
}

func newAllowance(what string, limit int64) allowance { return allowance{what, limit, limit} }

func (a *allowance) take(n int64) error {
	if n < 0 || n > a.left {
		return fmt.Errorf("it has more than %d %s", a.limit, a.what)
	}
	a.left -= n
	return nil
}
