package process

import "golang.org/x/sys/unix"

const (
	architecture     = unix.AUDIT_ARCH_S390X
	firstForeignCall = 0x40000000 // there is none: above all numbers
	cloneFlags       = 1          // which argument of clone they are: the stack comes first
	lowHalf          = 4          // of an argument of 64 bits, in bytes
)

// moreAllowed are the system calls of the SQLite for rpm databases, in their old
// form.
var moreAllowed = []uint32{
	unix.SYS_OPEN, unix.SYS_STAT, unix.SYS_LSTAT, unix.SYS_ACCESS, unix.SYS_READLINK, unix.SYS_MKDIR, unix.SYS_RMDIR, unix.SYS_UNLINK, unix.SYS_RENAME,
}
