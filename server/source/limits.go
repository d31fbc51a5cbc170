package source

// Bounds of one clone with all its submodules.
const (
	MaxEntries = 1_000_000 // files, folders, links and submodules in the work trees
	MaxObjects = 4_000_000 // Git objects received
	MaxBytes   = 4 << 30   // bytes of content received, uncompressed; and again bytes checked out

	MaxSubmodules = 4096 // of all depths together
)

// Bounds of single things. They are far above what repositories have.
const (
	maxParsed         = 32 << 20  // bytes of a commit, tag or tree, which are parsed in memory
	maxTips           = 1_000_000 // branches and tags that are fetched for a commit
	maxFolderDepth    = 200       // folders within folders
	maxPath           = 4096      // bytes of a path in the work tree, and of a link
	maxSubmoduleDepth = 10        // submodules within submodules
	maxModulesFile    = 1 << 20   // bytes of .gitmodules
	maxTagChain       = 10        // tags of tags
)

// limits is what is left of the bounds of one clone.
type limits struct {
	entries, objects, received, checkedOut, submodules allowance
}

type allowance struct {
	what        string
	limit, left int64
}

func newLimits(entries, objects, bytes int64) *limits {
	return &limits{
		entries:    allowance{"files and folders", entries, entries},
		objects:    allowance{"Git objects", objects, objects},
		received:   allowance{"bytes of content", bytes, bytes},
		checkedOut: allowance{"bytes in the work tree", bytes, bytes},
		submodules: allowance{"submodules", MaxSubmodules, MaxSubmodules},
	}
}

// take uses up n of an allowance.
func (a *allowance) take(n int64) error {
	if n < 0 || n > a.left {
		return &LimitError{What: a.what, Limit: a.limit}
	}
	a.left -= n
	return nil
}
