package volume

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// maxSealed bounds a sealed file, in bytes.
const maxSealed = 4 << 20

// SealedError is a sealed file that does not open. It is left as it is.
type SealedError struct {
	File  string // from the top of the volume
	cause error  // the enclave's
}

func (e *SealedError) Error() string {
	return fmt.Sprintf("the sealed file %s of the data volume does not open: put it back from a backup (%v)", e.File, e.cause)
}

func (e *SealedError) Unwrap() error { return e.cause }

// Get opens the secret sealed under name, such as "parameters" or
// "dct/<key id>". An absent one is an error that wraps fs.ErrNotExist; one that
// does not open is a *SealedError.
func (v *Volume) Get(name string) ([]byte, error) {
	file, err := sealedFile(name)
	if err != nil {
		return nil, err
	}
	sealed, err := v.readFile(file, maxSealed)
	if err != nil {
		return nil, err
	}
	secret, err := v.sealer.Unseal(name, sealed)
	if err != nil {
		return nil, &SealedError{file, err}
	}
	return secret, nil
}

// Put seals secret under name, durably. What is there under that name and does
// not open is a *SealedError: it is not overwritten.
func (v *Volume) Put(name string, secret []byte) error {
	file, err := sealedFile(name)
	if err != nil {
		return err
	}
	if err := v.replaceable(name); err != nil {
		return err
	}
	sealed, err := v.sealer.Seal(name, secret)
	if err != nil {
		return err
	}
	folder := path.Dir(file)
	if err := v.root.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("seal %s: %w", name, err)
	}
	if err := v.writeFile(file, sealed, 0o600); err != nil {
		return err
	}
	// The folder may be new, so its own name must be durable too.
	return v.syncFolder(path.Dir(folder))
}

func (v *Volume) replaceable(name string) error {
	if _, err := v.Get(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Remove takes the secret sealed under name away, durably. An absent one is an
// error that wraps fs.ErrNotExist.
func (v *Volume) Remove(name string) error {
	file, err := sealedFile(name)
	if err != nil {
		return err
	}
	if err := v.root.Remove(file); err != nil {
		return fmt.Errorf("remove sealed file %s: %w", file, err)
	}
	return v.syncFolder(path.Dir(file))
}

// List returns the names of the sealed secrets that begin with prefix, in order.
func (v *Volume) List(prefix string) ([]string, error) {
	var names []string
	err := fs.WalkDir(v.root.FS(), folderSealed, func(file string, entry fs.DirEntry, err error) error {
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

// Check opens every sealed file, and says how many do. Those that don't are
// named in the error.
func (v *Volume) Check() (opened int, err error) {
	names, err := v.List("")
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		if _, failed := v.Get(name); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		opened++
	}
	return opened, err
}

// Reseal seals again every secret whose sealed form is stale: sealed under a
// secret of an earlier server image. Each is replaced at once, so that it goes
// on where a crash ended it. One that does not open is named in the error and
// left as it is, and the others are done all the same.
func (v *Volume) Reseal(stale func(sealed []byte) bool) error {
	names, err := v.List("")
	if err != nil {
		return err
	}
	var failed error
	for _, name := range names {
		sealed, err := v.readFile(path.Join(folderSealed, name), maxSealed)
		if err == nil && !stale(sealed) {
			continue
		}
		var secret []byte
		if err == nil {
			secret, err = v.Get(name)
		}
		if err == nil {
			err = v.Put(name, secret)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// sealedFile is the file of a secret. Names come from the server's own code and
// from key ids, never from a request; one that is not local is still refused.
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
