package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/opensbs/sbs/server/progress"
	"github.com/opensbs/sbs/server/source/gitconfig"
	"github.com/opensbs/sbs/server/source/gitstore"
)

// Bounds of the count of files with attributes: beyond them it ends early.
const (
	maxAttributesText = 4 << 20    // bytes of all files .gitattributes of a tree
	maxRulesTried     = 50_000_000 // rules, each with each file below its folder
)

// attributeCount counts the files with attributes on which Git would act, and which
// these are.
type attributeCount struct {
	files int64
	names map[string]bool
	ended bool // at a bound: there may be more
}

// reportAttributes writes a line if Git, with the attributes of the tree and its
// own defaults, would have checked out other bytes than those of the commit, or
// would take the files for changed.
func (c *checkout) reportAttributes(ctx context.Context, log io.Writer) error {
	count, err := c.countAttributes(ctx)
	if err != nil || count.files == 0 {
		return err
	}
	number := gitstore.FormatCount(count.files)
	if count.ended {
		number = "at least " + number
	}
	report(log, "%s of the files have attributes that git would act on (%s): the image and the manifest get the bytes that are in the commit",
		number, strings.Join(slices.Sorted(maps.Keys(count.names)), ", "))
	return nil
}

func (c *checkout) countAttributes(ctx context.Context) (attributeCount, error) {
	count := attributeCount{names: map[string]bool{}}
	tree, err := c.attributes()
	if err != nil || len(tree) == 0 {
		return count, err
	}
	tried := 0
	for _, entry := range c.Entries {
		if err := ctx.Err(); err != nil {
			return count, err
		}
		if entry.Mode != filemode.Regular && entry.Mode != filemode.Executable {
			continue
		}
		if tried > maxRulesTried {
			count.ended = true
			return count, nil
		}
		found, n := tree.Of(entry.Name)
		tried += n
		acts, err := c.actsOn(ctx, found, entry.Hash)
		if err != nil {
			return count, err
		}
		if len(acts) > 0 {
			count.files++
		}
		for _, name := range acts {
			count.names[name] = true
		}
	}
	return count, nil
}

// attributes reads all files .gitattributes of the tree, but for links.
func (c *checkout) attributes() (gitconfig.AttributeTree, error) {
	tree := gitconfig.AttributeTree{}
	left := int64(maxAttributesText)
	for _, entry := range c.Entries {
		folder, name := path.Split(entry.Name)
		if name != gitconfig.AttributesFile || entry.Mode == filemode.Symlink || entry.Mode == filemode.Submodule {
			continue
		}
		content, err := c.store.Blob(entry.Hash)
		if err != nil {
			return nil, err
		}
		if content.Size() > left {
			continue
		}
		left -= content.Size()
		text, err := io.ReadAll(content)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", entry.Name, err)
		}
		tree[folder] = gitconfig.ParseAttributes(string(text))
	}
	return tree, nil
}

// actsOn returns which attributes make Git change the content of a file on its
// way to the work tree or back (convert.c).
func (c *checkout) actsOn(ctx context.Context, found map[string]string, id plumbing.Hash) (names []string, err error) {
	encoding, filter := valueOf(found, "working-tree-encoding"), valueOf(found, "filter")
	ends := lineEndsOf(found)
	if encoding == "" && filter == "" && ends == keepEnds && found["ident"] != gitconfig.Set {
		return nil, nil
	}
	content, err := c.store.Blob(id)
	if err != nil {
		return nil, err
	}
	text, err := scanText(ctx, content)
	if err != nil {
		return nil, err
	}
	if encoding != "" && text.size > 0 {
		names = append(names, "working-tree-encoding")
	}
	if filter != "" && text.size > 0 && !text.pointer {
		names = append(names, "filter")
	}
	if found["ident"] == gitconfig.Set && text.ident {
		names = append(names, "ident")
	}
	if name := ends.acts(text); name != "" {
		names = append(names, name)
	}
	return names, nil
}

// valueOf returns the value of an attribute that is a text, but UTF-8 as an
// encoding, which Git has anyway.
func valueOf(found map[string]string, name string) string {
	value := found[name]
	if strings.HasPrefix(value, "\x00") || strings.EqualFold(value, "utf-8") || strings.EqualFold(value, "utf8") {
		return ""
	}
	return value
}

// lineEnds is the effect of the attributes text, crlf and eol, with Git's defaults
// on Linux.
type lineEnds int

const (
	keepEnds     lineEnds = iota
	normalize             // CR LF to LF when added to the index
	toCRLF                // and LF to CR LF at checkout
	toCRLFIfText          // the same, if the content is text and has no CR
)

func lineEndsOf(found map[string]string) lineEnds {
	text, given := found["text"]
	if !given || text == gitconfig.Unspecified || !slices.Contains([]string{gitconfig.Set, gitconfig.Unset, "input", "auto"}, text) {
		text = found["crlf"]
	}
	eol := found["eol"]
	switch {
	case text == gitconfig.Unset:
		return keepEnds
	case text == "auto" && eol == "crlf":
		return toCRLFIfText
	case text == "auto":
		return keepEnds // Git leaves alone what was committed with CR LF
	case eol == "crlf":
		return toCRLF
	case text == gitconfig.Set, text == "input", eol == "lf":
		return normalize
	}
	return keepEnds
}

// acts returns the attribute that makes Git change the line ends of a text.
func (e lineEnds) acts(t textScan) string {
	switch {
	case e == normalize && t.crlf:
		return "text"
	case e == toCRLF && (t.loneLF || t.crlf), e == toCRLFIfText && t.loneLF && !t.cr && !t.nul:
		return "eol"
	}
	return ""
}

// textScan holds the findings of a scan of a content.
type textScan struct {
	size                  int64
	loneLF, crlf, cr, nul bool
	ident                 bool // "$Id$" or "$Id:", which the attribute ident is about
	pointer               bool // it is a pointer of Git LFS
}

func scanText(ctx context.Context, content *io.SectionReader) (textScan, error) {
	t := textScan{size: content.Size()}
	from := bufio.NewReaderSize(progress.WorkReader(ctx, content), 64<<10)
	if head, err := from.Peek(len(pointerStart)); err == nil {
		t.pointer = t.size < maxPointer && string(head) == string(pointerStart)
	}
	var before byte
	var last uint32 // the bytes before, the lowest is the last of them
	for {
		b, err := from.ReadByte()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return t, err
		}
		switch b {
		case '\n':
			t.crlf = t.crlf || before == '\r'
			t.loneLF = t.loneLF || before != '\r'
		case '\r':
			t.cr = true
		case 0:
			t.nul = true
		case '$', ':':
			t.ident = t.ident || last&0xffffff == '$'<<16|'I'<<8|'d'
		}
		before = b
		last = last<<8 | uint32(b)
	}
}
