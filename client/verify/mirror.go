package verify

// An image that is read from a mirror: fetched there, and judged as an image of
// the trust file's repository.

import (
	"fmt"
	"slices"

	"github.com/distribution/reference"

	"github.com/opensbs/sbs/client/advice"
)

// Mirrored reports whether the image is in another repository than the one that
// it is judged as.
func (r Request) Mirrored() bool { return r.Reference.Repository != r.Trust.Repository }

// checkName refuses an image of a repository that neither the trust file nor the
// request allows.
func (r Request) checkName() error {
	switch {
	case r.MirrorOf != "" && r.MirrorOf != r.Trust.Repository:
		return advice.New(fmt.Errorf("the trust file is for %s, not for %s", r.Trust.Repository, r.MirrorOf), "get the trust file of that repository with sbs-cli get-trust")
	case !r.Mirrored(), r.MirrorOf != "", slices.Contains(r.Trust.Mirrors, r.Reference.Repository):
		return nil
	}
	return advice.New(fmt.Errorf("the trust file is for %s, not for %s", r.Trust.Repository, r.Reference.Repository),
		"get the trust file of that repository with sbs-cli get-trust; for a copy of an image of "+r.Trust.Repository+" add --mirror-of "+r.Trust.Repository)
}

// checkRepositories checks the repository of a trust file and its mirrors, which
// must all differ.
func checkRepositories(names []string) error {
	for i, name := range names {
		named, err := reference.ParseNormalizedNamed(name)
		if err != nil || named.Name() != name {
			return fmt.Errorf("its repository or mirror %.200q is not host/namespace/name", name)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("it names the repository or mirror %s twice", name)
		}
	}
	return nil
}

// mirror is what a mirror adds to the last line.
func (r Report) mirror() string {
	if r.MirrorOf == "" {
		return ""
	}
	return " (a copy of " + printable(r.MirrorOf) + ")"
}
