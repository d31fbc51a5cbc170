package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// file is a file of the image that is read.
type file struct {
	name    string
	content *content
	readers []reader // that want it
}

// choose notes the files that are read, in the order of their names.
func (s *scan) choose(seen *node) {
	var size int64
	counted := map[*content]bool{}
	seen.files("", func(name string, found *content) {
		wanted := wanting(s.readers, name, found.info)
		if len(wanted) == 0 && !besides(name) {
			return
		}
		if found.info.Size() > maxFile {
			s.unread(name, fmt.Errorf("it is larger than %d bytes", int64(maxFile)))
			return
		}
		if !counted[found] {
			counted[found] = true
			size += found.info.Size()
		}
		if size > maxFiles {
			s.unread(name, fmt.Errorf("the files that are read are larger than %d bytes together", int64(maxFiles)))
			return
		}
		s.chosen = append(s.chosen, file{name, found, wanted})
	})
	slices.SortFunc(s.chosen, func(a, b file) int { return cmp.Compare(a.name, b.name) })
}

// extract writes the chosen files to the scratch folder, those that share their
// content as hard links.
func (s *scan) extract(ctx context.Context, layers []v1.Layer) error {
	type place struct{ layer, number int }
	names, wanted := map[place][]string{}, map[int]map[int]bool{}
	for _, f := range s.chosen {
		at := place{f.content.layer, f.content.number}
		names[at] = append(names[at], f.name)
		if wanted[at.layer] == nil {
			wanted[at.layer] = map[int]bool{}
		}
		wanted[at.layer][at.number] = true
	}
	return contents(ctx, layers, wanted, func(layer, number int, content io.Reader) error {
		all := names[place{layer, number}]
		first := -1
		for i, name := range all {
			var err error
			if first < 0 {
				err = s.write(name, content)
			} else if err = s.root.MkdirAll(path.Dir(name), 0o700); err == nil {
				err = s.root.Link(all[first], name)
			}
			switch {
			case err == nil && first < 0:
				first = i
			case errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EINVAL):
				s.unread(name, errors.New("no file can have this name"))
				s.drop(name)
			case err != nil:
				return err
			}
		}
		return nil
	})
}

func (s *scan) drop(name string) {
	s.chosen = slices.DeleteFunc(s.chosen, func(f file) bool { return f.name == name })
}

func (s *scan) write(name string, content io.Reader) error {
	if err := s.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	written, err := s.root.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(written, content); err != nil {
		_ = written.Close()
		return err
	}
	return written.Close()
}
