package volume

import (
	"errors"
	"fmt"
	"syscall"
)

// Space holds the free and total space of a file system.
type Space struct {
	Free, Total int64 // bytes; Free is how many this process can still write
	ReadOnly    bool
}

// readOnlyFlag is ST_RDONLY of statfs(2).
const readOnlyFlag = 1

// Space returns the space of the file system that holds the volume.
func (v *Volume) Space() (Space, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(v.dir, &stat); err != nil {
		return Space{}, fmt.Errorf("read the free space of the data volume: %w", err)
	}
	block := int64(stat.Bsize)
	return Space{
		Free:     int64(stat.Bavail) * block,
		Total:    int64(stat.Blocks) * block,
		ReadOnly: stat.Flags&readOnlyFlag != 0,
	}, nil
}

// RequireFree returns nil when that many bytes can be written, and otherwise an
// *UnwritableError.
func (v *Volume) RequireFree(bytes int64) error {
	space, err := v.Space()
	switch {
	case err != nil:
		return err
	case space.ReadOnly:
		return &UnwritableError{syscall.EROFS}
	case space.Free < bytes:
		return &UnwritableError{fmt.Errorf("%.1f MiB are free and %.1f MiB are needed: %w", mebibytes(space.Free), mebibytes(bytes), syscall.ENOSPC)}
	}
	return nil
}

func mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// UnwritableError reports a write that failed for a reason that only the volume's
// owner can fix. Its text names the remedy.
type UnwritableError struct{ cause error }

func (e *UnwritableError) Error() string {
	what := "the data volume is full: free space on it or enlarge it, or lower BUILDS_KEPT_SIZE with update; then build again"
	switch {
	case errors.Is(e.cause, syscall.EROFS):
		what = "the data volume is read-only: see the system's log for why, and mount it writable again"
	case errors.Is(e.cause, syscall.EIO):
		what = "the data volume has a fault: see the system's log, and replace the disk or restore a backup"
	}
	return fmt.Sprintf("%s (%v)", what, e.cause)
}

func (e *UnwritableError) Unwrap() error { return e.cause }

// Unwritable wraps err in an *UnwritableError when its cause is a full, read-only
// or faulty file system. It returns any other error unchanged.
func Unwritable(err error) error {
	var known *UnwritableError
	if errors.As(err, &known) {
		return err
	}
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO} {
		if errors.Is(err, cause) {
			return &UnwritableError{err}
		}
	}
	return err
}
