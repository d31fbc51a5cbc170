//go:build amd64 || s390x

package process

// The system calls of a confined process: what a Go program needs that reads
// open files, writes below its root and computes. Others fail with EPERM: no
// socket, no other program or process, no signal to another process, nothing
// that changes mounts, namespaces, identities or limits, and none of the large
// interfaces (bpf, io_uring, perf, keys) in which holes in the kernel were found.

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (linux/seccomp.h).
const (
	offsetNumber       = 0
	offsetArchitecture = 4
	offsetArguments    = 16
)

const (
	setModeFilter = 1 // SECCOMP_SET_MODE_FILTER
	refuse        = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	notThere      = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// allowed are the calls that need no look at their arguments; moreAllowed are
// those of one architecture.
var allowed = []uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_READV, unix.SYS_WRITEV, unix.SYS_PREAD64, unix.SYS_PWRITE64,
	unix.SYS_OPENAT, unix.SYS_CLOSE, unix.SYS_LSEEK, unix.SYS_FSTAT, unix.SYS_NEWFSTATAT, unix.SYS_STATX,
	unix.SYS_GETDENTS64, unix.SYS_READLINKAT, unix.SYS_FACCESSAT, unix.SYS_FACCESSAT2, unix.SYS_FSTATFS,
	unix.SYS_MKDIRAT, unix.SYS_UNLINKAT, unix.SYS_LINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE,
	unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_UTIMENSAT, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FLOCK,
	unix.SYS_FCNTL, unix.SYS_COPY_FILE_RANGE, unix.SYS_SENDFILE, unix.SYS_SPLICE, unix.SYS_FADVISE64, unix.SYS_GETCWD,
	unix.SYS_PIPE2, unix.SYS_EVENTFD2, unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_PWAIT2,
	unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_MREMAP, unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_BRK,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	unix.SYS_FUTEX, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP,
	unix.SYS_CLOCK_GETTIME, unix.SYS_GETTIMEOFDAY, unix.SYS_GETRANDOM, unix.SYS_UNAME,
	unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_GETUID, unix.SYS_GETEUID, unix.SYS_GETGID, unix.SYS_GETEGID,
	unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
}

// filterSystemCalls installs the filter in all threads. It needs no_new_privs.
func filterSystemCalls() error {
	filter := compile(uint32(unix.Getpid()))
	compiled := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	thread, _, errno := syscall.Syscall(unix.SYS_SECCOMP, setModeFilter, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&compiled)))
	if errno != 0 {
		return errno
	}
	if thread != 0 { // one that could not be brought to the same filter
		return unix.ESRCH
	}
	return nil
}

// compile returns the filter for the process pid, in the kernel's own BPF.
func compile(pid uint32) []unix.SockFilter {
	filter := []unix.SockFilter{
		load(offsetArchitecture), jumpIfEqual(architecture, 1, 0), result(unix.SECCOMP_RET_KILL_PROCESS),
		load(offsetNumber),
		// No call of another ABI of the same architecture (x32).
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: firstForeignCall, Jf: 1}, result(refuse),
		// Go falls back to clone, whose flags can be seen.
		jumpIfEqual(unix.SYS_CLONE3, 0, 1), result(notThere),
	}
	for _, number := range append(allowed, moreAllowed...) {
		filter = append(filter, jumpIfEqual(number, 0, 1), result(unix.SECCOMP_RET_ALLOW))
	}
	return append(filter,
		// Threads, and no processes.
		jumpIfEqual(unix.SYS_CLONE, 0, 4),
		load(argument(cloneFlags)),
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: unix.CLONE_THREAD, Jf: 1}, result(unix.SECCOMP_RET_ALLOW), result(refuse),
		// Signals within this process: Go's scheduler sends them.
		jumpIfEqual(unix.SYS_TGKILL, 0, 3),
		load(argument(0)), jumpIfEqual(pid, 0, 1), result(unix.SECCOMP_RET_ALLOW),
		result(refuse),
	)
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func jumpIfEqual(value uint32, then, otherwise uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jt: then, Jf: otherwise}
}

func result(action uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
}

// argument is the offset of the low half of an argument of the call.
func argument(index uint32) uint32 { return offsetArguments + 8*index + lowHalf }
