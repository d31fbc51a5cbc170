package volume

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Mark tells one state of a build's record from another, without reading it:
// what changes the record changes the mark. The time in it is one that no copying
// tool sets back (ctime).
type Stamp struct {
	changed unix.Timespec
	size    int64
	inode   uint64
}

// Mark is the mark of a build's record. Without one the error wraps
// fs.ErrNotExist. It is one system call, because it is asked for every build that
// is listed; os.Root would take three.
func (v *Volume) RecordStamp(id string) (Stamp, error) {
	conn, err := v.builds.SyscallConn()
	if err != nil {
		return Stamp{}, fmt.Errorf("look at build %s: %w", id, err)
	}
	var stat unix.Stat_t
	var failed error
	err = conn.Control(func(folder uintptr) {
		failed = unix.Fstatat(int(folder), id+"/"+fileRecord, &stat, unix.AT_SYMLINK_NOFOLLOW)
	})
	if err := errors.Join(err, failed); err != nil {
		return Stamp{}, fmt.Errorf("look at build %s: %w", id, err)
	}
	return Stamp{stat.Ctim, stat.Size, stat.Ino}, nil
}
