package scan

// What a container of the image would see: the layers from the last to the
// first, without what a later one replaced or removed (OCI image-spec 1.1,
// layer.md, "Whiteouts").

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	whiteout = ".wh."         // before the name of what is removed
	opaque   = ".wh..wh..opq" // in a folder of which all that was there is removed

	// maxNames bounds the names in all layers together.
	maxNames = 8 << 20
)

// visit is called with each regular file that is seen in the image. Reading
// content is up to it.
type visit func(name string, header *tar.Header, content io.Reader) error

// walk visits the files of an image's layers.
func walk(ctx context.Context, layers []v1.Layer, see visit) error {
	above := covered{}
	for i := len(layers) - 1; i >= 0; i-- {
		here, err := walkLayer(ctx, layers[i], above, see)
		if err != nil {
			return fmt.Errorf("layer %d of %d: %w", i+1, len(layers), err)
		}
		for name := range here {
			above[name] = struct{}{}
		}
		if len(above) > maxNames {
			return fmt.Errorf("the image has more than %d names", maxNames)
		}
	}
	return nil
}

// walkLayer visits what is not covered, and answers what the layer itself covers.
func walkLayer(ctx context.Context, layer v1.Layer, above covered, see visit) (here covered, err error) {
	content, err := layer.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	here = covered{}
	archive := tar.NewReader(content)
	for len(here) <= maxNames {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return here, nil
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(path.Clean("/"+header.Name), "/")
		if !filepath.IsLocal(name) || here.add(name) || header.Typeflag == tar.TypeDir || above.hides(name) {
			continue
		}
		here[name] = struct{}{}
		if header.Typeflag == tar.TypeReg {
			if err := see(name, header, archive); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil, fmt.Errorf("it has more than %d names", maxNames)
}

// covered are names that lower layers can't show any more: with whatever is
// below them, or, where a slash ends the name, only what is below.
type covered map[string]struct{}

// add takes up a whiteout, and reports whether name was one.
func (c covered) add(name string) bool {
	dir, base := path.Split(name)
	switch {
	case base == opaque:
		c[path.Clean(dir)+"/"] = struct{}{}
	case strings.HasPrefix(base, whiteout):
		c[dir+strings.TrimPrefix(base, whiteout)] = struct{}{}
	default:
		return false
	}
	return true
}

func (c covered) hides(name string) bool {
	if _, ok := c[name]; ok {
		return true
	}
	for name != "." {
		name = path.Dir(name)
		_, gone := c[name]
		_, emptied := c[name+"/"]
		if gone || emptied {
			return true
		}
	}
	return false
}
