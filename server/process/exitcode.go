package process

import (
	"errors"
	"os/exec"
	"syscall"
)

// exitNoSpace is the exit code of a confined process that found the disk full.
const exitNoSpace = int(syscall.ENOSPC)

// ExitCode returns the code that a program exits with after Main failed with err, so
// that its parent knows a full disk from other failures.
func ExitCode(err error) int {
	if errors.Is(err, syscall.ENOSPC) {
		return exitNoSpace
	}
	return 1
}

// taskError returns the error of a task that wrote message and ended with ended. It
// wraps syscall.ENOSPC if the disk was full.
func taskError(message string, ended error) error {
	var exit *exec.ExitError
	if errors.As(ended, &exit) && exit.ExitCode() == exitNoSpace {
		return &fullError{message}
	}
	return errors.New(message)
}

// fullError has the message of a task, which names the cause already.
type fullError struct{ message string }

func (e *fullError) Error() string { return e.message }

func (e *fullError) Unwrap() error { return syscall.ENOSPC }
