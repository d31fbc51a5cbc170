//go:build !windows

package atomicfile

import (
	"errors"
	"fmt"
	"os"
)

// syncFolder makes a rename durable: without it a crash may bring back the
// folder's old state.
func syncFolder(folder string) error {
	handle, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(handle.Sync(), handle.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", folder, err)
	}
	return nil
}
