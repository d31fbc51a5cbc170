package daemon

// BuildKit runs the commands of a Dockerfile as children of the daemon's runc, which
// ends with the daemon. What runc runs does not: the command of a build whose daemon
// was killed would continue during every later build. It is in the cgroup of the
// daemon's containers (cgroups(7): a child is in its parent's group).

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endGroup kills all processes of a cgroup, waits until they have ended, and removes
// the group.
func endGroup(ctx context.Context, root, group string) error {
	if !filepath.IsLocal(group) || group == "." {
		return fmt.Errorf("end what an earlier daemon left: %q is not the name of a cgroup", group)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, endTime, fmt.Errorf("it did not end within %s", endTime))
	defer cancel()
	for {
		left, err := killAll(root, group)
		if err != nil {
			return fmt.Errorf("end what an earlier daemon left: %w", err)
		}
		if left == 0 {
			removeGroup(root, group)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("end what an earlier daemon left: %d processes in cgroup %s: %w", left, group, context.Cause(ctx))
		case <-time.After(askEvery):
		}
	}
}

// folders returns those of a cgroup: one, or with cgroup v1 one for each controller.
func folders(root, group string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, "*", group))
	return append(found, filepath.Join(root, group)), err
}

// removeGroup removes the empty groups below a cgroup and then itself. Where the
// kernel does not let go of one yet, or the cgroups can't be written, it stays: an
// empty group costs a name.
func removeGroup(root, group string) {
	tops, _ := folders(root, group) // killAll has returned the same error
	for _, top := range tops {
		var below []string
		_ = filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				below = append(below, path)
			}
			return nil
		})
		for _, path := range slices.Backward(below) {
			_ = syscall.Rmdir(path)
		}
	}
}

// killAll kills every process in a cgroup and below it, and returns how many
// there were.
func killAll(root, group string) (found int, err error) {
	tops, err := folders(root, group)
	if err != nil {
		return 0, err
	}
	seen := map[int]bool{}
	for _, top := range tops {
		err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // there is none, or it is gone again
			}
			if err != nil || entry.Name() != "cgroup.procs" {
				return err
			}
			return killListed(path, seen)
		})
		if err != nil {
			return 0, err
		}
	}
	return len(seen), nil
}

func killListed(path string, seen map[int]bool) error {
	listed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.EOPNOTSUPP) {
		return nil // gone again, or a group of threads, which its parent lists
	}
	if err != nil {
		return err
	}
	for _, field := range strings.Fields(string(listed)) {
		pid, err := strconv.Atoi(field)
		if err != nil || pid <= 0 { // 0: a process that this namespace does not see
			return fmt.Errorf("%s lists %q", path, field)
		}
		seen[pid] = true
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill process %d: %w", pid, err)
		}
	}
	return nil
}
