package harness

// The stack's folder: to a client it is a user's working directory; the files of
// the parts are in one sub-folder. A lock distinguishes a folder in use from that
// of an earlier stack.

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

// claim prepares dir for a stack and locks it until the returned function is
// called. It refuses, and does not change, a folder with other files than those of
// an earlier stack.
func claim(dir string) (folder, func() error, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", nil, fmt.Errorf("find folder %s: %w", dir, err)
	}
	f := folder(absolute)
	if err := f.check(); err != nil {
		return "", nil, err
	}
	lock, err := os.OpenFile(f.path(lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", nil, fmt.Errorf("lock folder %s: %w", f, err)
	}
	// The kernel releases the lock when the process ends.
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return "", nil, errors.Join(fmt.Errorf("a stack is running in %s: stop it first or name another folder: %w", f, err), lock.Close())
	}
	if err := f.removeEarlier(); err != nil {
		return "", nil, errors.Join(err, lock.Close())
	}
	return f, lock.Close, nil
}

// check creates the folder if it is missing, and returns an error if it has files
// but not those of an earlier stack.
func (f folder) check() error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return fmt.Errorf("make folder %s: %w", f, err)
	}
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return fmt.Errorf("read folder %s: %w", f, err)
	}
	if len(entries) == 0 {
		return nil
	}
	if _, err := os.Stat(f.path(lockName)); err != nil {
		return fmt.Errorf("folder %s is not empty and has no earlier stack: name an empty or a new one: %w", f, err)
	}
	return nil
}

// removeEarlier removes the files of an earlier stack, and none that its user
// saved.
func (f folder) removeEarlier() error {
	made := []string{f.path(readyName), f.path(descriptionName), f.path(caName),
		f.path(gitKeyName), f.path(knownHostsName), f.path(environmentName), f.path(partsName),
		f.path(baseSamplesName), f.path(signedBaseName)}
	for _, name := range vendorKeyNames {
		made = append(made, f.path(name))
	}
	for _, pattern := range []string{configName + "*", "." + containerName + "-*"} {
		matches, err := filepath.Glob(f.path(pattern))
		if err != nil {
			return fmt.Errorf("find an earlier stack's files: %w", err)
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

// write writes a private file into the folder atomically.
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

// part creates the folder for the files of one part and returns its path.
func (f folder) part(name string) (string, error) {
	path := f.path(partsName, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of %s: %w", name, err)
	}
	return path, nil
}
