// The stack's folder looks to a client like any user's working directory; what
// the parts keep for themselves stands apart in one sub-folder. A lock tells a
// folder in use from one that an earlier stack left behind.
package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Names in the stack's folder.
const (
	configName      = "sbs-config.json"
	baseSamplesName = "base-images.json"
	signedBaseName  = "signed-base.json"
	descriptionName = "stack.json"
	readyName       = "ready"
	caName          = "ca.pem"
	gitKeyName      = "git-key"
	knownHostsName  = "known_hosts"
	environmentName = "server.env"
	lockName        = "stack.lock"
	partsName       = "parts"
)

// folder is the absolute path of a stack's folder.
type folder string

func (f folder) path(names ...string) string {
	return filepath.Join(append([]string{string(f)}, names...)...)
}

// claim makes dir ready for a stack and locks it until the returned function
// is called. A folder that holds something else than an earlier stack is left
// as it is.
func claim(dir string) (folder, func() error, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", nil, fmt.Errorf("find folder %s: %w", dir, err)
	}
	f := folder(absolute)
	if err := f.acceptable(); err != nil {
		return "", nil, err
	}
	lock, err := os.OpenFile(f.path(lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", nil, fmt.Errorf("lock folder %s: %w", f, err)
	}
	// The kernel drops the lock with the process, however that ends.
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return "", nil, errors.Join(fmt.Errorf("a stack is running in %s: stop it first or name another folder: %w", f, err), lock.Close())
	}
	if err := f.clear(); err != nil {
		return "", nil, errors.Join(err, lock.Close())
	}
	return f, lock.Close, nil
}

// acceptable makes the folder if it is missing and refuses one that holds
// something else than a stack.
func (f folder) acceptable() error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return fmt.Errorf("make folder %s: %w", f, err)
	}
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return fmt.Errorf("look into folder %s: %w", f, err)
	}
	if len(entries) == 0 {
		return nil
	}
	if _, err := os.Stat(f.path(lockName)); err != nil {
		return fmt.Errorf("folder %s is not empty and holds no earlier stack: name an empty or a new one: %w", f, err)
	}
	return nil
}

// clear removes what an earlier stack made, and nothing that its user saved
// beside it.
func (f folder) clear() error {
	made := []string{f.path(readyName), f.path(descriptionName), f.path(caName),
		f.path(gitKeyName), f.path(knownHostsName), f.path(environmentName), f.path(partsName),
		f.path(baseSamplesName), f.path(signedBaseName)}
	for _, name := range vendorKeyNames {
		made = append(made, f.path(name))
	}
	for _, pattern := range []string{configName + "*", "." + containerName + "-*"} {
		matches, err := filepath.Glob(f.path(pattern))
		if err != nil {
			return fmt.Errorf("look for an earlier stack's files: %w", err)
		}
		made = append(made, matches...)
	}
	for _, path := range made {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove an earlier stack's file: %w", err)
		}
	}
	return nil
}

// write puts a private file into the folder, at once and whole.
func (f folder) write(name string, content []byte) error {
	temporary := f.path("." + name + ".new")
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(temporary, f.path(name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// part makes the folder that one part keeps its files in.
func (f folder) part(name string) (string, error) {
	path := f.path(partsName, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of %s: %w", name, err)
	}
	return path, nil
}
