package scan

// Reading the layers of an image: once for the names in it, and once more, of the
// layers that have any, for the files that an extractor reads.

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Bounds of an image's names.
const (
	maxNames = 8 << 20 // in all layers together
	maxDepth = 1 << 10 // folders in one name
)

// skipped are members of layers that an extractor could not make.
type skipped func(name string)

// view returns what a container of the image sees.
func view(ctx context.Context, layers []v1.Layer, skip skipped) (*node, error) {
	seen, names := folder(), 0
	for i, layer := range layers {
		tree := &layerTree{root: folder(), below: seen, index: i}
		err := members(ctx, layer, func(number int, header *tar.Header, _ io.Reader) (bool, error) {
			if deep(header.Name) || !tree.add(header, number) {
				skip(header.Name)
			}
			if names+tree.names > maxNames {
				return false, fmt.Errorf("the image has more than %d names", maxNames)
			}
			return true, nil
		})
		if err != nil {
			return nil, fmt.Errorf("layer %d of %d: %w", i+1, len(layers), err)
		}
		names += tree.names
		seen = merge(seen, tree.root)
	}
	return seen, nil
}

// deep reports whether a name has more folders than any program makes.
func deep(name string) bool {
	folders := 0
	for i := range len(name) {
		if name[i] == '/' {
			folders++
		}
	}
	return folders > maxDepth
}

// contents calls take with each of the files in wanted, by the numbers of their
// layers and members.
func contents(ctx context.Context, layers []v1.Layer, wanted map[int]map[int]bool, take func(layer, number int, content io.Reader) error) error {
	for i, layer := range layers {
		left := len(wanted[i])
		if left == 0 {
			continue
		}
		err := members(ctx, layer, func(number int, _ *tar.Header, content io.Reader) (bool, error) {
			if !wanted[i][number] {
				return true, nil
			}
			left--
			return left > 0, take(i, number, content)
		})
		if err != nil {
			return fmt.Errorf("layer %d of %d: %w", i+1, len(layers), err)
		}
	}
	return nil
}

// members calls each with every member of a layer, in order, until it returns false.
func members(ctx context.Context, layer v1.Layer, each func(number int, header *tar.Header, content io.Reader) (bool, error)) (err error) {
	uncompressed, err := layer.Uncompressed()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, uncompressed.Close()) }()
	archive := tar.NewReader(uncompressed)
	for number := 0; ; number++ {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if on, err := each(number, header, archive); err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		} else if !on {
			return nil
		}
	}
}
