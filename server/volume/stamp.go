package volume

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// RecordStamp returns the stamp of a build's record. The error wraps
// fs.ErrNotExist when the build has no record. It makes one system call, because
// it is called for every build that is listed; os.Root would need three. Its time is
// the ctime, which no copying tool sets back.
func (b Builds) RecordStamp(id string) (Stamp, error) {
	conn, err := b.volume.builds.SyscallConn()
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
	return Stamp{Changed: stat.Ctim.Nano(), Size: stat.Size, File: stat.Ino}, nil
}
