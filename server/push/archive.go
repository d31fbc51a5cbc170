package push

// The archive that docker save writes: a tar file with manifest.json, which names
// the configuration and the layers of each image in it.

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/google/go-containerregistry/pkg/v1"
)

const (
	maxEntries = 100_000 // of an archive; a layer takes four
	maxJSON    = 8 << 20 // bytes of a manifest or a configuration
)

// section is the position and size of a file in the archive.
type section struct{ offset, size int64 }

// layer is the content of one layer.
type layer struct {
	diffID  string // digest of the tar file
	content section
}

// image is an image in an open archive.
type image struct {
	file   *os.File
	config []byte
	layers []layer
}

// openImage finds the one image of an archive. Close it.
func openImage(archive string) (*image, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, fmt.Errorf("open the saved image: %w", err)
	}
	found, err := readImage(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the saved image: %w", err), file.Close())
	}
	return found, nil
}

func (i *image) Close() error { return i.file.Close() }

func readImage(file *os.File) (*image, error) {
	files, err := index(file)
	if err != nil {
		return nil, err
	}
	var images []struct {
		Config string
		Layers []string
	}
	if err := readJSON(file, files, "manifest.json", &images); err != nil {
		return nil, err
	}
	if len(images) != 1 {
		return nil, fmt.Errorf("it holds %d images", len(images))
	}
	found := &image{file: file}
	if found.config, err = readFile(file, files, images[0].Config); err != nil {
		return nil, err
	}
	var config v1.ConfigFile
	if err := json.Unmarshal(found.config, &config); err != nil {
		return nil, fmt.Errorf("its configuration: %w", err)
	}
	diffIDs := config.RootFS.DiffIDs
	if len(diffIDs) != len(images[0].Layers) {
		return nil, fmt.Errorf("it has %d layers, and its configuration names %d", len(images[0].Layers), len(diffIDs))
	}
	for i, name := range images[0].Layers {
		content, ok := files[path.Clean(name)]
		if !ok {
			return nil, fmt.Errorf("the layer %.200q is not in it", name)
		}
		found.layers = append(found.layers, layer{diffIDs[i].String(), content})
	}
	return found, nil
}

// index finds the files of a tar file, links to them included: older engines
// store a layer that is there twice as a link.
func index(file *os.File) (map[string]section, error) {
	files, links := map[string]section{}, map[string]string{}
	archive := tar.NewReader(file)
	for entries := 0; ; entries++ {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if entries == maxEntries {
			return nil, fmt.Errorf("it has more than %d files", maxEntries)
		}
		name := path.Clean(header.Name)
		switch header.Typeflag {
		case tar.TypeReg:
			// The reader reads a header to its end and no further.
			offset, err := file.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			files[name] = section{offset, header.Size}
		case tar.TypeSymlink:
			links[name] = path.Join(path.Dir(name), header.Linkname)
		case tar.TypeLink:
			links[name] = path.Clean(header.Linkname)
		}
	}
	for name, target := range links {
		if found, ok := files[target]; ok {
			files[name] = found
		}
	}
	return files, nil
}

func readFile(file *os.File, files map[string]section, name string) ([]byte, error) {
	found, ok := files[path.Clean(name)]
	switch {
	case !ok:
		return nil, fmt.Errorf("%.200q is not in it", name)
	case found.size > maxJSON:
		return nil, fmt.Errorf("%.200q has more than %d bytes", name, maxJSON)
	}
	content := make([]byte, found.size)
	if _, err := file.ReadAt(content, found.offset); err != nil {
		return nil, fmt.Errorf("%.200q: %w", name, err)
	}
	return content, nil
}

func readJSON(file *os.File, files map[string]section, name string, into any) error {
	content, err := readFile(file, files, name)
	if err == nil {
		err = json.Unmarshal(content, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// open reads a layer as it is in the archive.
func (i *image) open(l layer) *io.SectionReader {
	return io.NewSectionReader(i.file, l.content.offset, l.content.size)
}
