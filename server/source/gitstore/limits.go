package gitstore

// Bounds of one clone with all its submodules.
const (
	MaxEntries = 1_000_000 // files, folders, links and submodules in the work trees
	MaxObjects = 4_000_000 // Git objects received
	MaxBytes   = 4 << 30   // bytes of content received, uncompressed; and again bytes checked out
)

// Bounds of single things. They are far above what repositories have.
const (
	maxParsed      = 32 << 20 // bytes of a commit, tag or tree, which are parsed in memory
	maxFolderDepth = 200      // folders within folders
	maxPath        = 4096     // bytes of a path in the work tree, and of a link
	maxTagChain    = 10       // tags of tags
)

// Limits are the unused parts of the bounds of one clone. Several stores may share
// it; it is not safe for concurrent use.
type Limits struct {
	Entries, Objects, Received, CheckedOut Budget
}

// NewLimits returns the bounds of a clone: entries of the work trees, objects, and
// bytes, both received and checked out.
func NewLimits(entries, objects, bytes int64) *Limits {
	return &Limits{
		Entries:    NewBudget("files and folders", entries),
		Objects:    NewBudget("Git objects", objects),
		Received:   NewBudget("bytes of content", bytes),
		CheckedOut: NewBudget("bytes in the work tree", bytes),
	}
}

// Budget counts down from a limit.
type Budget struct {
	what        string
	limit, left int64
}

// NewBudget returns a budget of limit; what names it in a [LimitError].
func NewBudget(what string, limit int64) Budget { return Budget{what, limit, limit} }

// Take uses up n of the budget, or returns a [LimitError] and takes nothing.
func (b *Budget) Take(n int64) error {
	if err := b.check(n); err != nil {
		return err
	}
	b.left -= n
	return nil
}

// check returns a [LimitError] if less than n is left.
func (b *Budget) check(n int64) error {
	if n < 0 || n > b.left {
		return &LimitError{What: b.what, Limit: b.limit}
	}
	return nil
}
