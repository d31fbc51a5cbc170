package volume

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Space tells how many bytes the volume's file system has left for the server,
// and how many it has in all.
func (v *Volume) Space() (free, size uint64, err error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(v.dir, &stat); err != nil {
		return 0, 0, fmt.Errorf("space of the data volume: %w", err)
	}
	// The fields' types differ between architectures.
	block := uint64(stat.Bsize)
	return uint64(stat.Bavail) * block, uint64(stat.Blocks) * block, nil
}
