package daemon

// The daemon's data are on the data volume, unsealed: anyone who writes to the disk
// while the server is down could change a layer, and the daemon would build from
// it under the digest of the original. So nothing of an earlier server is used:
// each one has a folder of its own, with an unpredictable name.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// removeTime is the time for which a start waits for the removal of earlier data,
// which then continues while the daemon runs.
const removeTime = 10 * time.Second

// newData makes a new folder for a daemon's data in dir, and returns what else is
// in dir.
func newData(dir string) (data string, earlier []string, err error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return "", nil, err
	}
	if !info.IsDir() {
		return "", nil, fmt.Errorf("%s is not a folder: remove it", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", nil, err
	}
	for _, entry := range entries {
		earlier = append(earlier, filepath.Join(dir, entry.Name()))
	}
	if data, err = os.MkdirTemp(dir, "daemon-"); err != nil {
		return "", nil, err
	}
	return data, earlier, os.Chmod(data, 0o710)
}

// removeEarlier unmounts and removes paths until ctx ends. What it can't remove is
// never used again, and is tried at the next start.
func removeEarlier(ctx context.Context, paths []string) error {
	var failed error
	for _, path := range paths {
		failed = errors.Join(failed, unmountBelow(path), removeTree(ctx, path))
	}
	return failed
}

// removeTree is os.RemoveAll that ends with ctx.
func removeTree(ctx context.Context, path string) error {
	if ctx.Err() != nil {
		return nil // the next start goes on
	}
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		if err := removeEntries(ctx, path); err != nil || ctx.Err() != nil {
			return err
		}
	}
	return os.Remove(path)
}

// removeEntries reads a folder in parts: one may have any number of entries.
func removeEntries(ctx context.Context, path string) error {
	for ctx.Err() == nil {
		folder, err := os.Open(path)
		if err != nil {
			return err
		}
		names, err := folder.Readdirnames(1000)
		_ = folder.Close() // was only read
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := removeTree(ctx, filepath.Join(path, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// unmountBelow unmounts what a daemon that was killed has left mounted.
func unmountBelow(path string) error {
	if !filepath.IsAbs(path) || filepath.Clean(path) == "/" {
		return fmt.Errorf("unmount below %q: this is not a folder of a daemon", path)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var points []string
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 4 {
			if point := unescape(fields[4]); strings.HasPrefix(point, path+string(filepath.Separator)) {
				points = append(points, point)
			}
		}
	}
	var failed error
	for i := len(points) - 1; i >= 0; i-- { // the latest first
		if err := unix.Unmount(points[i], unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			failed = errors.Join(failed, fmt.Errorf("unmount %s: %w", points[i], err))
		}
	}
	return failed
}

// unescape reads a field of mountinfo, where \ooo is a byte (proc(5)).
func unescape(field string) string {
	var text strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] == '\\' && i+4 <= len(field) {
			if code, err := strconv.ParseUint(field[i+1:i+4], 8, 8); err == nil {
				text.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		text.WriteByte(field[i])
	}
	return text.String()
}
