package source

import "github.com/opensbs/sbs/server/source/gitstore"

// MaxSubmodules is the bound of the submodules of one clone, of all depths
// together. Package gitstore has the bounds of objects, files and bytes.
const MaxSubmodules = 4096

// Bounds of single things. They are far above what repositories have.
const (
	maxTips           = 1_000_000 // branches and tags that are fetched for a commit
	maxSubmoduleDepth = 10        // submodules within submodules
	maxModulesFile    = 1 << 20   // bytes of .gitmodules and of .lfsconfig
)

// limits are the unused parts of the bounds of one clone.
type limits struct {
	*gitstore.Limits
	submodules gitstore.Budget
}

func newLimits(entries, objects, bytes int64) *limits {
	return &limits{gitstore.NewLimits(entries, objects, bytes), gitstore.NewBudget("submodules", MaxSubmodules)}
}
