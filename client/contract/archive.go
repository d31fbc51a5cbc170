package contract

// The archive of a workload: base64 of a gzipped tar with the compose file, or
// the pods, and what they mount.

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// Bounds of the contents of an archive.
const (
	maxArchive = 4 << 20 // bytes, unpacked
	maxEntries = 1000
)

// Archive packs a folder. The same content gives the same text: entries are in
// the order of their names, owned by nobody, without times. Only folders and
// regular files are taken; anything else, links above all, is an error, because
// the runtime refuses it.
func Archive(folder fs.FS) (string, error) {
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	w := tar.NewWriter(compressed)
	left, entries := int64(maxArchive), 0
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if entries++; entries > maxEntries {
			return fmt.Errorf("more than %d files", maxEntries)
		}
		size, err := add(w, folder, name, entry, left)
		left -= size
		return err
	})
	if err := errors.Join(err, w.Close(), compressed.Close()); err != nil {
		return "", fmt.Errorf("pack archive: %w", err)
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

// add writes one folder or file of at most left bytes.
func add(w *tar.Writer, folder fs.FS, name string, entry fs.DirEntry, left int64) (int64, error) {
	header := &tar.Header{Name: name, Format: tar.FormatUSTAR, ModTime: time.Unix(0, 0), Mode: 0o755}
	switch {
	case entry.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, name+"/"
		return 0, w.WriteHeader(header)
	case !entry.Type().IsRegular():
		return 0, fmt.Errorf("%s is neither a folder nor a regular file", name)
	}
	info, err := entry.Info()
	if err != nil {
		return 0, err
	}
	if info.Size() > left {
		return 0, fmt.Errorf("more than %d MiB", maxArchive>>20)
	}
	file, err := folder.Open(name)
	if err != nil {
		return 0, err
	}
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	if info.Mode().Perm()&0o111 == 0 {
		header.Mode = 0o644
	}
	err = w.WriteHeader(header)
	if err == nil {
		_, err = io.Copy(w, file)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return info.Size(), nil
}

// unpack returns the regular files of an archive, made here or elsewhere, by
// their names.
func unpack(archive string) (map[string][]byte, error) {
	errForm := errors.New("not base64, in one line, of a gzipped tar")
	if strings.ContainsAny(archive, "\r\n") {
		return nil, errForm
	}
	compressed, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(archive)))
	if err != nil {
		return nil, errForm
	}
	files := map[string][]byte{}
	// As much as is allowed, with headers and padding.
	limited := io.LimitReader(compressed, maxArchive+maxEntries*1024+1<<20)
	r := tar.NewReader(limited)
	for entries, left := 0, int64(maxArchive); ; entries++ {
		header, err := r.Next()
		if errors.Is(err, io.EOF) && entries > 0 {
			// gzip's own checksum follows the last byte.
			if _, err := io.Copy(io.Discard, limited); err != nil {
				return nil, errForm
			}
			return files, nil
		}
		if err != nil {
			return nil, errForm
		}
		name := path.Clean(header.Name)
		switch {
		case entries >= maxEntries || header.Size > left:
			return nil, fmt.Errorf("more than %d files or %d MiB", maxEntries, maxArchive>>20)
		case !fs.ValidPath(name):
			return nil, fmt.Errorf("%q is outside of the archive", header.Name)
		case header.Typeflag == tar.TypeDir:
			continue
		case header.Typeflag != tar.TypeReg:
			return nil, fmt.Errorf("%q is neither a folder nor a regular file", header.Name)
		case files[name] != nil:
			return nil, fmt.Errorf("%q is there twice", header.Name)
		}
		content, err := io.ReadAll(io.LimitReader(r, header.Size))
		if err != nil {
			return nil, fmt.Errorf("%q: it is cut short", header.Name)
		}
		left -= header.Size
		files[name] = content
	}
}
