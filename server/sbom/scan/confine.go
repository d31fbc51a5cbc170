package scan

import (
	"fmt"
	"runtime/debug"
	"syscall"
)

const (
	softMemory = 512 << 20 // bytes at which the collector hurries
	hardMemory = 2 << 30   // bytes at which the process ends
)

// Confine bounds this process for good, before it opens an image: its memory,
// and that nothing of it is written when it ends badly.
func Confine() error {
	debug.SetMemoryLimit(softMemory)
	for resource, limit := range map[int]uint64{syscall.RLIMIT_DATA: hardMemory, syscall.RLIMIT_CORE: 0} {
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("bound this process: %w", err)
		}
	}
	return nil
}
