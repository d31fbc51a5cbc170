package source

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// maxReference bounds the name of a reference, in bytes.
const maxReference = 255

// CheckReference says whether text can name a branch, a tag or a commit, before
// any server is asked. Empty stands for the default branch.
func CheckReference(text string) error {
	if len(text) > maxReference {
		return fmt.Errorf("reference: has %d bytes, at most %d are taken", len(text), maxReference)
	}
	if text == "" || text == string(plumbing.HEAD) {
		return nil
	}
	name := plumbing.ReferenceName(text)
	if !strings.HasPrefix(text, "refs/") {
		name = plumbing.NewBranchReferenceName(text)
	}
	if err := name.Validate(); err != nil {
		return fmt.Errorf("reference %q: not the name of a branch or tag, nor a commit id (git check-ref-format has the rules)", text)
	}
	return nil
}

// target is what a reference turned out to be.
type target struct {
	name string        // full name of the reference; empty for a commit id
	want plumbing.Hash // the object to ask for: a commit, or the tag of one
	bare bool          // a commit id, and no reference of the server points to it
}

// resolve finds what text means on a server: a commit id, a full name, a branch
// or a tag, in this order. A commit id comes first because who pins one must get
// it, even from a server that has a branch of that name.
func resolve(refs *packp.AdvRefs, text string) (target, error) {
	if text == "" || text == string(plumbing.HEAD) {
		return defaultBranch(refs)
	}
	if isHex(text) {
		return commitTarget(refs, text)
	}
	candidates := []plumbing.ReferenceName{plumbing.NewBranchReferenceName(text), plumbing.NewTagReferenceName(text)}
	if strings.HasPrefix(text, "refs/") {
		candidates = []plumbing.ReferenceName{plumbing.ReferenceName(text)}
	}
	for _, name := range candidates {
		if id, ok := refs.References[name.String()]; ok {
			return target{name: name.String(), want: id}, nil
		}
	}
	return target{}, &ReferenceError{text, "the repository has no branch and no tag of this name, and it is no full commit id " +
		"(40 hex digits); it may also be a full name such as refs/heads/main"}
}

func isHex(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && (len(text) == 40 || len(text) == 64)
}

// commitTarget finds what to ask a server for so that it sends a commit. Most
// servers send only what a reference points to unless they say otherwise.
func commitTarget(refs *packp.AdvRefs, text string) (target, error) {
	if len(text) != 40 {
		return target{}, &ReferenceError{text, "a commit id of 64 digits belongs to a SHA-256 repository; only SHA-1 repositories are supported"}
	}
	id := plumbing.NewHash(text)
	for _, name := range slices.Sorted(maps.Keys(refs.References)) {
		if refs.References[name] == id || refs.Peeled[name] == id {
			return target{want: refs.References[name]}, nil
		}
	}
	return target{want: id, bare: true}, nil
}

// sendsAnyCommit says whether the server offers to send commits that no
// reference points to (gitprotocol-capabilities).
func sendsAnyCommit(refs *packp.AdvRefs) bool {
	return refs.Capabilities.Supports(capability.AllowReachableSHA1InWant) ||
		refs.Capabilities.Supports(capability.AllowTipSHA1InWant)
}

// tips lists what all branches and tags point to.
func tips(refs *packp.AdvRefs) []plumbing.Hash {
	var ids []plumbing.Hash
	for name, id := range refs.References {
		if n := plumbing.ReferenceName(name); n.IsBranch() || n.IsTag() {
			ids = append(ids, id)
		}
	}
	return ids
}

// defaultBranch finds the branch that the server's HEAD is. Servers older than
// the symref capability leave it to be guessed from the commit, as Git does.
func defaultBranch(refs *packp.AdvRefs) (target, error) {
	if refs.Head == nil {
		return target{}, &ReferenceError{"HEAD", "the repository's default branch does not exist; name a branch, tag or commit in GITHUB_BRANCH"}
	}
	for _, value := range refs.Capabilities.Get(capability.SymRef) {
		name, ok := strings.CutPrefix(value, "HEAD:")
		if id, exists := refs.References[name]; ok && exists && id == *refs.Head {
			return branch(name, id)
		}
	}
	names := append([]string{"refs/heads/main", "refs/heads/master"}, slices.Sorted(maps.Keys(refs.References))...)
	for _, name := range names {
		if refs.References[name] == *refs.Head && plumbing.ReferenceName(name).IsBranch() {
			return branch(name, *refs.Head)
		}
	}
	return target{want: *refs.Head}, nil
}

// branch takes a name that the server chose: it becomes a file in .git.
func branch(name string, id plumbing.Hash) (target, error) {
	if err := plumbing.ReferenceName(name).Validate(); err != nil || len(name) > maxReference {
		return target{}, errors.New("the name of the default branch is not valid")
	}
	return target{name: name, want: id}, nil
}
