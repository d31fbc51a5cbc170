package sourcecheck

// Where commits and trees are kept until all of the folder was seen.

import (
	"bufio"
	"errors"
	"fmt"
	"os"
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

// content reads an object that was written.
func (s *scratch) content(o object) ([]byte, error) {
	if err := s.out.Flush(); err != nil {
		return nil, fmt.Errorf("scratch file: %w", err)
	}
	content := make([]byte, o.size)
	if _, err := s.file.ReadAt(content, o.offset); err != nil {
		return nil, fmt.Errorf("scratch file: %w", err)
	}
	return content, nil
}
