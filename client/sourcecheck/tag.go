package sourcecheck

// The tag in a build's GITHUB_BRANCH, if it is one.

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// maxTagChain bounds tags of tags.
const maxTagChain = 10

// Tag is the tag that was built. Whether it is signed, and by whom, is not
// checked here.
type Tag struct {
	Name      string // "v1.2.3", as the reference has it
	Object    string // id of the annotated tag, 40 hex digits; empty for a lightweight tag
	Annotated string // the name in that object, which its signature covers
}

// tag checks the tag of a Git folder, if it has one: it leads to the commit
// head. The objects of annotated tags between the two are returned too.
func (f *Folder) tag(p *pack, git string, head plumbing.Hash) (tag Tag, chain []plumbing.Hash, err error) {
	prefix := git + "/refs/tags/"
	var names []string
	for name := range f.texts {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return Tag{}, nil, nil
	}
	name := slices.Min(names)
	if len(names) > 1 {
		return Tag{}, nil, fmt.Errorf("%q is a second tag, which no clone needs", slices.Max(names))
	}
	text, _ := f.take(name)
	id, err := parseID(name, text)
	if err != nil {
		return Tag{}, nil, err
	}
	tag.Name = strings.TrimPrefix(name, prefix)
	if id != head {
		tag.Object = id.String()
	}
	for id != head {
		if len(chain) == maxTagChain {
			return Tag{}, nil, fmt.Errorf("%s: it has more than %d tags of tags", name, maxTagChain)
		}
		chain = append(chain, id)
		var own string
		if id, own, err = f.tagObject(p, id); err != nil {
			return Tag{}, nil, fmt.Errorf("%s does not lead to the commit %s: %w", name, head, err)
		}
		if len(chain) == 1 {
			tag.Annotated = own
		}
	}
	return tag, chain, nil
}

// tagObject reads the first three lines of an annotated tag: what it points to,
// of what kind that is, which is known from HEAD, and its name.
func (f *Folder) tagObject(p *pack, id plumbing.Hash) (target plumbing.Hash, name string, err error) {
	content, err := f.content(p, id, plumbing.TagObject)
	if err != nil {
		return target, "", err
	}
	lines := bytes.SplitN(content, []byte("\n"), 4)
	if len(lines) < 4 {
		return target, "", fmt.Errorf("the tag %s is cut off", id)
	}
	object, first := bytes.CutPrefix(lines[0], []byte("object "))
	own, third := bytes.CutPrefix(lines[2], []byte("tag "))
	if !first || !third || !bytes.HasPrefix(lines[1], []byte("type ")) || !plumbing.IsHash(string(object)) {
		return target, "", fmt.Errorf("the tag %s does not begin with object, type and tag", id)
	}
	return plumbing.NewHash(string(object)), string(own), nil
}
