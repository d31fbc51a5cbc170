package pipeline

// Builds are rare and large, and an enclave's memory is small: what one used goes
// back to the machine, and so does what only the start of the server used.

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
)

// GiveBackMemory empties the heap of what a build or the start of the server left,
// and lets go of the program's code. Of that the kernel has mapped all that lies
// near to what ran once, two thirds of it for these alone; what runs again is mapped
// again from the file, without reading the disk while there is room for it in the
// cache. What can't be given back is an error, and does no harm.
func GiveBackMemory() error {
	debug.FreeOSMemory()
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return fmt.Errorf("give back memory: %w", err)
	}
	defer maps.Close()
	ranges, err := codeRanges(maps)
	if err != nil {
		return fmt.Errorf("give back memory: %w", err)
	}
	for _, code := range ranges {
		_, _, failed := syscall.Syscall(syscall.SYS_MADVISE, code.start, code.end-code.start, syscall.MADV_DONTNEED)
		if failed != 0 {
			return fmt.Errorf("give back memory: madvise: %w", failed)
		}
	}
	return nil
}

type addresses struct{ start, end uintptr }

// codeRanges are where code lies that comes from a file (proc(5), "maps"). Nobody
// can write there, so what is dropped is what is in the file.
func codeRanges(maps io.Reader) ([]addresses, error) {
	var ranges []addresses
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 || fields[1] != "r-xp" || !strings.HasPrefix(fields[5], "/") {
			continue
		}
		var code addresses
		if _, err := fmt.Sscanf(fields[0], "%x-%x", &code.start, &code.end); err != nil || code.end <= code.start {
			return nil, errors.New("a line of /proc/self/maps can't be read: " + lines.Text())
		}
		ranges = append(ranges, code)
	}
	return ranges, lines.Err()
}
