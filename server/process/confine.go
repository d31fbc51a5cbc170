package process

// What a confined process gives up, in the order in which the kernel allows it.

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxFiles       = 256 // open at a time
	lastCapability = 63  // the kernel takes fewer, and reports which is the first it doesn't know
)

var errParentGone = errors.New("the process that started this one has ended")

// confine applies the settings to this process, for good. It returns the parts
// that the kernel does not have; an error means that a required part failed.
func (s settings) confine() (missing []string, err error) {
	for _, part := range []struct {
		name string
		do   func() error
	}{
		{"limit this process", s.limit},
		{"change the root folder", s.changeRoot},
		{"drop the capability set", dropBoundingSet},
		{"change the user id", s.changeUser},
		{"drop the capabilities", dropCapabilities},
		{"set no_new_privs", noNewPrivileges},
		{"end with the parent", endWithParent},
	} {
		if err := part.do(); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	err = filterSystemCalls()
	if err != nil && s.Confinement.Namespaces { // the network is gone already
		return []string{fmt.Sprintf("a filter of system calls (%v)", err)}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("filter system calls: %w", err)
	}
	return nil, nil
}

func (s settings) limit() error {
	for resource, limit := range map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_CPU: s.CPU, unix.RLIMIT_DATA: s.Memory, unix.RLIMIT_FSIZE: s.File, unix.RLIMIT_NOFILE: maxFiles,
	} {
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("limit %d: %w", resource, err)
		}
	}
	return nil
}

// dropBoundingSet makes sure that no program could give a capability back. Only
// who has CAP_SETPCAP can do it; for others no_new_privs has the same effect.
func dropBoundingSet() error {
	for capability := uintptr(0); capability <= lastCapability; capability++ {
		switch err := onAllThreads(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, capability); {
		case errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM):
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// changeUser gives up root. Package syscall does it in all threads.
func (s settings) changeUser() error {
	id := s.Confinement.UID
	if id == 0 {
		return nil
	}
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("groups: %w", err)
	}
	if err := syscall.Setresgid(id, id, id); err != nil {
		return fmt.Errorf("group %d: %w", id, err)
	}
	if err := syscall.Setresuid(id, id, id); err != nil {
		return fmt.Errorf("user %d: %w", id, err)
	}
	return nil
}

func dropCapabilities() error {
	if err := onAllThreads(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL); err != nil {
		return err
	}
	header := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(header)), uintptr(unsafe.Pointer(&none[0])), 0)
	return orNil(errno)
}

func noNewPrivileges() error {
	return onAllThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
}

// endWithParent requests again to be killed when the parent dies, which the kernel
// forgets when a process changes its user id, and makes sure that the parent did
// not die in between: it alone has the other end of standard output.
func endWithParent() error {
	if err := onAllThreads(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL)); err != nil {
		return err
	}
	output := []unix.PollFd{{Fd: int32(syscall.Stdout)}}
	if _, err := unix.Poll(output, 0); err != nil && !errors.Is(err, unix.EINTR) {
		return err
	}
	if output[0].Revents&unix.POLLERR != 0 {
		return errParentGone
	}
	return nil
}

// onAllThreads makes a system call in each thread of this process. It can't in a
// program that is linked with C.
func onAllThreads(number, a, b uintptr) error {
	_, _, errno := syscall.AllThreadsSyscall6(number, a, b, 0, 0, 0, 0)
	return orNil(errno)
}

func orNil(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
