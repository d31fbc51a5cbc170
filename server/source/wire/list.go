package wire

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// Reference is a reference of the server.
type Reference struct {
	Name   string
	ID     plumbing.Hash
	Peeled plumbing.Hash // the object that an annotated tag is of; else zero
	Target string        // of a symbolic reference: its name; else empty
}

// errStop ends a list early.
var errStop = errors.New("stop")

// ListsAll reports whether the server has sent all its references already.
func (c *Client) ListsAll() bool { return c.advertised != nil }

// SendsAnyCommit reports whether the server sends a commit that no reference
// points to. All servers of version 2 may refuse it only when they are asked.
func (c *Client) SendsAnyCommit() bool {
	return c.advertised == nil || c.advertised.Capabilities.Supports(capability.AllowReachableSHA1InWant) ||
		c.advertised.Capabilities.Supports(capability.AllowTipSHA1InWant)
}

// Empty reports whether the server has no reference.
func (c *Client) Empty(ctx context.Context) (bool, error) {
	empty := true
	err := c.List(ctx, nil, func(Reference) error {
		empty = false
		return errStop
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return empty, err
}

// List calls visit for the references whose names begin with one of the prefixes,
// or for all without a prefix, in no order, until visit returns an error. With
// version 2 the list passes through and no other request may follow one that visit
// ended.
func (c *Client) List(ctx context.Context, prefixes []string, visit func(Reference) error) (err error) {
	if c.advertised != nil {
		return c.listAdvertised(prefixes, visit)
	}
	request := c.command("ls-refs")
	for _, line := range append([]string{"peel", "symrefs"}, prefixed(prefixes)...) {
		request = appendPacket(request, "%s\n", line)
	}
	body, err := c.connection.Request(ctx, append(request, flushPacket...), false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	return readReferences(buffered(body, maxListed), func(r Reference) error {
		if !hasPrefix(r.Name, prefixes) { // prefixes are only a hint to the server
			return nil
		}
		return visit(r)
	})
}

func prefixed(prefixes []string) []string {
	var lines []string
	for _, prefix := range prefixes {
		lines = append(lines, "ref-prefix "+prefix)
	}
	return lines
}

func hasPrefix(name string, prefixes []string) bool {
	return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// command begins a request of version 2.
func (c *Client) command(name string) []byte {
	request := appendPacket(nil, "command=%s\n", name)
	if _, ok := c.capabilities["agent"]; ok {
		request = appendPacket(request, "agent=%s\n", capability.DefaultAgent())
	}
	if _, ok := c.capabilities["object-format"]; ok {
		request = appendPacket(request, "object-format=sha1\n")
	}
	return append(request, delimiterPacket...)
}

// readReferences reads the response to ls-refs.
func readReferences(from *bufio.Reader, visit func(Reference) error) error {
	stream := newPackets(from)
	for size := int64(0); size < maxListed; {
		line, ok, err := stream.line()
		if err != nil || !ok {
			return err
		}
		size += int64(len(line))
		reference, err := parseReference(line)
		if err != nil {
			return err
		}
		if err := visit(reference); err != nil {
			return err
		}
	}
	return ErrTooManyReferences
}

// parseReference reads a line: id, name, and attributes.
func parseReference(line string) (Reference, error) {
	words := strings.Split(line, " ")
	if len(words) < 2 || words[1] == "" {
		return Reference{}, fmt.Errorf("list of references: the line %q is malformed", Excerpt(line))
	}
	if words[0] == "unborn" {
		return Reference{}, errors.New("list of references: a reference is unborn, which was not asked for")
	}
	id, ok := parseID(words[0])
	r := Reference{Name: words[1], ID: id}
	for _, attribute := range words[2:] {
		if target, is := strings.CutPrefix(attribute, "symref-target:"); is {
			r.Target = target
		}
		if peeled, is := strings.CutPrefix(attribute, "peeled:"); is && ok {
			r.Peeled, ok = parseID(peeled)
		}
	}
	if !ok {
		return Reference{}, fmt.Errorf("list of references: the line %q has no SHA-1 id", Excerpt(line))
	}
	return r, nil
}

func parseID(text string) (id plumbing.Hash, ok bool) {
	if len(text) != 2*len(id) {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(text))
	return id, err == nil
}

// listAdvertised lists references of version 0, in the order of their names.
func (c *Client) listAdvertised(prefixes []string, visit func(Reference) error) error {
	if c.advertised.Head != nil && hasPrefix("HEAD", prefixes) {
		if err := visit(Reference{Name: "HEAD", ID: *c.advertised.Head, Target: c.headTarget()}); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.advertised.References)) {
		if !hasPrefix(name, prefixes) {
			continue
		}
		r := Reference{Name: name, ID: c.advertised.References[name], Peeled: c.advertised.Peeled[name]}
		if err := visit(r); err != nil {
			return err
		}
	}
	return nil
}

// headTarget returns the branch that HEAD is, where the server names it and lists
// it.
func (c *Client) headTarget() string {
	for _, value := range c.advertised.Capabilities.Get(capability.SymRef) {
		name, ok := strings.CutPrefix(value, "HEAD:")
		if id, exists := c.advertised.References[name]; ok && exists && id == *c.advertised.Head {
			return name
		}
	}
	return ""
}
