package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"

	"github.com/go-git/go-git/v5/plumbing"
)

// object is one received Git object: what it is and where its content lies.
type object struct {
	id     plumbing.Hash
	kind   plumbing.ObjectType // commit, tree, blob or tag
	offset int64               // in the store's file
	size   int64
}

// objects is the store of what was received: a nameless file that holds every
// object whole, and a table of them. That costs disk once more while a clone
// runs, and buys flat memory: no cache of deltas, and any object, in any order,
// is a plain read.
type objects struct {
	file  *os.File
	out   *bufio.Writer
	end   int64  // of what was added
	disk  int64  // of what has left out's buffer
	spare []byte // memory of content
	table []object
	byID  map[plumbing.Hash]int32
}

// newObjects makes an empty store in a folder, which holds no trace of it
// afterwards: the file has lost its name, and ends with the process at latest.
func newObjects(root *os.Root) (*objects, error) {
	file, err := nameless(root, "received")
	if err != nil {
		return nil, err
	}
	return &objects{file: file, out: bufio.NewWriterSize(file, 256<<10), byID: map[plumbing.Hash]int32{}}, nil
}

// nameless opens a new file for reading and writing and removes its name.
func nameless(root *os.Root, name string) (*os.File, error) {
	file, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("scratch file: %w", err)
	}
	if err := root.Remove(name); err != nil {
		return nil, errors.Join(fmt.Errorf("scratch file: %w", err), file.Close())
	}
	return file, nil
}

func (s *objects) Close() error { return s.file.Close() }

// add stores an object whose content fill writes, and returns its place in the
// table. An object that is there already keeps its place.
func (s *objects) add(kind plumbing.ObjectType, size int64, fill func(io.Writer) error) (int32, error) {
	hasher := plumbing.NewHasher(kind, size)
	counter := &counting{writer: io.MultiWriter(s.out, hasher)}
	start := s.end
	err := fill(counter)
	s.end += counter.n
	if err != nil {
		return 0, err
	}
	if counter.n != size {
		return 0, fmt.Errorf("object has %d bytes, its header says %d", counter.n, size)
	}
	id := hasher.Sum()
	if place, ok := s.byID[id]; ok {
		return place, nil
	}
	place := int32(len(s.table)) //nolint:gosec // bounded by MaxObjects
	s.table = append(s.table, object{id: id, kind: kind, offset: start, size: size})
	s.byID[id] = place
	return place, nil
}

type counting struct {
	writer io.Writer
	n      int64
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.writer.Write(p)
	c.n += int64(n)
	return n, err
}

// at returns the content of an object for random reading.
func (s *objects) at(place int32) (*io.SectionReader, error) {
	o := s.table[place]
	if o.offset+o.size > s.disk {
		if err := s.flush(); err != nil {
			return nil, err
		}
	}
	return io.NewSectionReader(s.file, o.offset, o.size), nil
}

func (s *objects) flush() error {
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("scratch file: %w", err)
	}
	s.disk = s.end
	return nil
}

// find returns the place of an object of a kind.
func (s *objects) find(id plumbing.Hash, kind plumbing.ObjectType) (int32, error) {
	place, ok := s.byID[id]
	if !ok {
		return 0, &MissingObjectError{ID: id.String(), Kind: kind.String()}
	}
	if got := s.table[place].kind; got != kind {
		return 0, fmt.Errorf("object %s is a %s where a %s is needed", id, got, kind)
	}
	return place, nil
}

// decoder is what go-git's commits and tags have in common.
type decoder interface {
	Decode(plumbing.EncodedObject) error
}

// content reads an object that is small by nature: commit, tag or tree. What it
// returns is overwritten by the next call.
func (s *objects) content(place int32) ([]byte, error) {
	o := s.table[place]
	if o.size > maxParsed {
		return nil, &LimitError{What: fmt.Sprintf("bytes in the %s %s", o.kind, o.id), Limit: maxParsed}
	}
	from, err := s.at(place)
	if err != nil {
		return nil, err
	}
	s.spare = slices.Grow(s.spare[:0], int(o.size))[:o.size]
	if _, err := io.ReadFull(from, s.spare); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", o.kind, o.id, err)
	}
	return s.spare, nil
}

// decode parses a commit or tag.
func (s *objects) decode(place int32, into decoder) error {
	content, err := s.content(place)
	if err != nil {
		return err
	}
	o := s.table[place]
	memory := &plumbing.MemoryObject{}
	memory.SetType(o.kind)
	memory.SetSize(o.size)
	if _, err := memory.Write(content); err != nil {
		return fmt.Errorf("read %s %s: %w", o.kind, o.id, err)
	}
	if err := into.Decode(memory); err != nil {
		return fmt.Errorf("%s %s: %w", o.kind, o.id, err)
	}
	return nil
}

// sorted returns the places for which keep is true in the order of object ids.
func (s *objects) sorted(keep []bool) []int32 {
	var places []int32
	for place, kept := range keep {
		if kept {
			places = append(places, int32(place)) //nolint:gosec // bounded by MaxObjects
		}
	}
	sort.Slice(places, func(i, j int) bool {
		a, b := s.table[places[i]].id, s.table[places[j]].id
		return string(a[:]) < string(b[:])
	})
	return places
}

// copyWith copies until the reader ends, or the context.
func copyWith(ctx context.Context, to io.Writer, from io.Reader, buffer []byte) (int64, error) {
	var total int64
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return total, err
			}
			total += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}
