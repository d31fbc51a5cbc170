package gitstore

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

// object is one received Git object and the offset of its content in the file.
type object struct {
	id     plumbing.Hash
	kind   plumbing.ObjectType // commit, tree, blob or tag
	offset int64               // in the store's file
	size   int64
}

// Store holds the objects of a pack: an unlinked file with every object whole, and
// a table of them. That costs disk once more while a clone runs, and keeps memory
// flat: there is no cache of deltas, and any object is a plain read, in any order.
type Store struct {
	file  *os.File
	out   *bufio.Writer
	end   int64  // of the content added so far
	disk  int64  // of the content that out has flushed
	spare []byte // reused by content
	table []object
	byID  map[plumbing.Hash]int32 // rows of the table
}

// newStore makes an empty store in a folder. Its file is unlinked at once, so that
// it ends with the process at the latest.
func newStore(root *os.Root) (*Store, error) {
	file, err := unlinkedFile(root, "received")
	if err != nil {
		return nil, err
	}
	return &Store{file: file, out: bufio.NewWriterSize(file, 256<<10), byID: map[plumbing.Hash]int32{}}, nil
}

// unlinkedFile opens a new file for reading and writing and removes its name.
func unlinkedFile(root *os.Root, name string) (*os.File, error) {
	file, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("scratch file: %w", err)
	}
	if err := root.Remove(name); err != nil {
		return nil, errors.Join(fmt.Errorf("scratch file: %w", err), file.Close())
	}
	return file, nil
}

// Len returns the number of objects.
func (s *Store) Len() int { return len(s.table) }

// Blob returns the content of a blob.
func (s *Store) Blob(id plumbing.Hash) (*io.SectionReader, error) {
	row, err := s.find(id, plumbing.BlobObject)
	if err != nil {
		return nil, err
	}
	return s.at(row)
}

// Close closes the file of the store, which ends it.
func (s *Store) Close() error { return s.file.Close() }

// add stores an object whose content fill writes, and returns its row of the
// table. An object that is there already keeps its row.
func (s *Store) add(kind plumbing.ObjectType, size int64, fill func(io.Writer) error) (int32, error) {
	hasher := plumbing.NewHasher(kind, size)
	counter := &counting{writer: io.MultiWriter(s.out, hasher)}
	start := s.end
	err := fill(counter)
	s.end += counter.n
	if err != nil {
		return 0, err
	}
	if counter.n != size {
		return 0, fmt.Errorf("object has %d bytes instead of the %d of its header", counter.n, size)
	}
	id := hasher.Sum()
	if row, ok := s.byID[id]; ok {
		return row, nil
	}
	row := int32(len(s.table)) //nolint:gosec // bounded by MaxObjects
	s.table = append(s.table, object{id: id, kind: kind, offset: start, size: size})
	s.byID[id] = row
	return row, nil
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
func (s *Store) at(row int32) (*io.SectionReader, error) {
	o := s.table[row]
	if o.offset+o.size > s.disk {
		if err := s.Flush(); err != nil {
			return nil, err
		}
	}
	return io.NewSectionReader(s.file, o.offset, o.size), nil
}

// Flush writes buffered content. After it, and until another object is added, the
// store may be read concurrently.
func (s *Store) Flush() error {
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("scratch file: %w", err)
	}
	s.disk = s.end
	return nil
}

// find returns the row of an object, which must be of the given kind.
func (s *Store) find(id plumbing.Hash, kind plumbing.ObjectType) (int32, error) {
	row, ok := s.byID[id]
	if !ok {
		return 0, &MissingObjectError{ID: id.String(), Kind: kind.String()}
	}
	if got := s.table[row].kind; got != kind {
		return 0, fmt.Errorf("object %s is a %s where a %s is needed", id, got, kind)
	}
	return row, nil
}

// gitDecoder is implemented by go-git's commits and tags.
type gitDecoder interface {
	Decode(plumbing.EncodedObject) error
}

// content reads a commit, tag or tree, which are small by nature. The next call
// overwrites the result.
func (s *Store) content(row int32) ([]byte, error) {
	o := s.table[row]
	if o.size > maxParsed {
		return nil, &LimitError{What: fmt.Sprintf("bytes in the %s %s", o.kind, o.id), Limit: maxParsed}
	}
	from, err := s.at(row)
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
func (s *Store) decode(row int32, into gitDecoder) error {
	content, err := s.content(row)
	if err != nil {
		return err
	}
	o := s.table[row]
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

// sorted returns the rows for which keep is true in the order of object ids.
func (s *Store) sorted(keep []bool) []int32 {
	var rows []int32
	for row, kept := range keep {
		if kept {
			rows = append(rows, int32(row)) //nolint:gosec // bounded by MaxObjects
		}
	}
	sort.Slice(rows, func(i, j int) bool {
		a, b := s.table[rows[i]].id, s.table[rows[j]].id
		return string(a[:]) < string(b[:])
	})
	return rows
}

// copyContext copies until the reader or ctx ends.
func copyContext(ctx context.Context, to io.Writer, from io.Reader, buffer []byte) (int64, error) {
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
