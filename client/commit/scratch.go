package commit

// Where commits and trees are kept until all of the folder was seen.

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
)

// scratch is a file to which objects are appended, and from which any of them is
// read.
type scratch struct {
	file *os.File
	out  *bufio.Writer
	end  int64
}

func newScratch(dir string) (*scratch, error) {
	file, err := os.CreateTemp(dir, "objects-*")
	if err != nil {
		return nil, fmt.Errorf("scratch file: %w", err)
	}
	return &scratch{file: file, out: bufio.NewWriterSize(file, 256<<10)}, nil
}

func (s *scratch) close() error {
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

func (s *scratch) Write(p []byte) (int, error) {
	n, err := s.out.Write(p)
	s.end += int64(n)
	if err != nil {
		return n, fmt.Errorf("scratch file: %w", err)
	}
	return n, nil
}

// decoder is what go-git's commits and trees have in common.
type decoder interface {
	Decode(plumbing.EncodedObject) error
}

// decode reads what was written as an object.
func (s *scratch) decode(o object, into decoder) error {
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("scratch file: %w", err)
	}
	memory := &plumbing.MemoryObject{}
	memory.SetType(o.kind)
	memory.SetSize(o.size)
	if _, err := io.Copy(memory, io.NewSectionReader(s.file, o.offset, o.size)); err != nil {
		return fmt.Errorf("scratch file: %w", err)
	}
	return into.Decode(memory)
}
