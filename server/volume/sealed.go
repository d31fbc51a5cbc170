package volume

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Secrets is the view of the volume that stores sealed secrets by name. It is safe
// for concurrent use as long as no two goroutines write the same name.
type Secrets struct{ volume *Volume }

// Secrets returns the sealed secrets of the volume.
func (v *Volume) Secrets() Secrets { return Secrets{v} }

// maxSealed is the maximum size of a sealed file, in bytes.
const maxSealed = 4 << 20

// SealedError reports a sealed file that does not open. The file is not changed.
type SealedError struct {
	File  string // from the top of the volume
	cause error  // the enclave's
}

func (e *SealedError) Error() string {
	return fmt.Sprintf("the sealed file %s of the data volume does not open: put it back from a backup (%v)", e.File, e.cause)
}

func (e *SealedError) Unwrap() error { return e.cause }

// Get returns the secret sealed under name, such as "parameters" or
// "dct/<key id>". The error wraps fs.ErrNotExist when there is none, and is a
// *SealedError when it does not open.
func (s Secrets) Get(name string) ([]byte, error) {
	file, err := sealedFile(name)
	if err != nil {
		return nil, err
	}
	sealed, err := s.volume.readFile(file, maxSealed)
	if err != nil {
		return nil, err
	}
	secret, err := s.volume.sealer.Unseal(name, sealed)
	if err != nil {
		return nil, &SealedError{file, err}
	}
	return secret, nil
}

// Put durably stores secret, sealed under name. It returns a *SealedError when a
// secret of that name exists and does not open: such a file is not overwritten.
func (s Secrets) Put(name string, secret []byte) error {
	file, err := sealedFile(name)
	if err != nil {
		return err
	}
	if err := s.replaceable(name); err != nil {
		return err
	}
	sealed, err := s.volume.sealer.Seal(name, secret)
	if err != nil {
		return err
	}
	folder := path.Dir(file)
	if err := s.volume.root.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("seal %s: %w", name, err)
	}
	if err := s.volume.writeFile(file, sealed, 0o600); err != nil {
		return err
	}
	// The folder may be new, so its own name must be durable too.
	return s.volume.syncFolder(path.Dir(folder))
}

func (s Secrets) replaceable(name string) error {
	if _, err := s.Get(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Remove durably removes the secret sealed under name. The error wraps
// fs.ErrNotExist when there is none.
func (s Secrets) Remove(name string) error {
	file, err := sealedFile(name)
	if err != nil {
		return err
	}
	if err := s.volume.root.Remove(file); err != nil {
		return fmt.Errorf("remove sealed file %s: %w", file, err)
	}
	return s.volume.syncFolder(path.Dir(file))
}

// List returns the names of the sealed secrets that begin with prefix, in order.
func (s Secrets) List(prefix string) ([]string, error) {
	var names []string
	err := fs.WalkDir(s.volume.root.FS(), folderSealed, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(file, folderSealed+"/")
		if !entry.IsDir() && strings.HasPrefix(name, prefix) && path.Ext(name) != temporarySuffix {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list sealed files: %w", err)
	}
	return names, nil
}

// Check tries to open every sealed file and returns how many opened. The error
// names the others.
func (s Secrets) Check() (opened int, err error) {
	names, err := s.List("")
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		if _, failed := s.Get(name); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		opened++
	}
	return opened, err
}

// Reseal seals again every secret for whose sealed form needsReseal returns true,
// because it was sealed under the secret of an earlier server image. Each file is
// replaced atomically, so that Reseal can continue after a crash. A file that
// does not open is named in the error and not changed; the others are resealed.
func (s Secrets) Reseal(needsReseal func(sealed []byte) bool) error {
	names, err := s.List("")
	if err != nil {
		return err
	}
	var failed error
	for _, name := range names {
		sealed, err := s.volume.readFile(path.Join(folderSealed, name), maxSealed)
		if err == nil && !needsReseal(sealed) {
			continue
		}
		var secret []byte
		if err == nil {
			secret, err = s.Get(name)
		}
		if err == nil {
			err = s.Put(name, secret)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// sealedFile returns the path of a secret's file. Names come from the server's own
// code and from key ids, never from a request; a name that is not local is refused
// nevertheless.
func sealedFile(name string) (string, error) {
	if !fs.ValidPath(name) || name == "." || path.Ext(name) == temporarySuffix {
		return "", fmt.Errorf("sealed file: %q is not a valid name", name)
	}
	return path.Join(folderSealed, name), nil
}

// readFile reads a file of at most limit bytes.
func (v *Volume) readFile(name string, limit int64) (content []byte, err error) {
	file, err := v.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	content, err = io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("read %s: larger than %d bytes", name, limit)
	}
	return content, nil
}
