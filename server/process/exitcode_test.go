package process

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"testing"
)

// A full disk in a confined process is one for its parent.
func TestTaskErrorKnowsAFullDisk(t *testing.T) {
	for cause, full := range map[error]bool{
		fmt.Errorf("write: %w", syscall.ENOSPC): true,
		fmt.Errorf("write: %w", syscall.EIO):    false,
	} {
		ended := exec.Command("sh", "-c", fmt.Sprintf("exit %d", ExitCode(cause))).Run()
		if err := taskError("text", ended); err.Error() != "text" || errors.Is(err, syscall.ENOSPC) != full {
			t.Errorf("%v: %v", cause, err)
		}
	}
}
