package volume

import (
	"fmt"
	"syscall"
)

// Space is what the file system says of itself.
type Space struct {
	Free, Total int64 // bytes; Free is what this process may still write
	ReadOnly    bool
}

// readOnlyFlag is ST_RDONLY of statfs(2).
const readOnlyFlag = 1

// Space asks the file system that the volume lies on.
func (v *Volume) Space() (Space, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(v.dir, &stat); err != nil {
		return Space{}, fmt.Errorf("ask the data volume for its free space: %w", err)
	}
	block := int64(stat.Bsize)
	return Space{
		Free:     int64(stat.Bavail) * block,
		Total:    int64(stat.Blocks) * block,
		ReadOnly: stat.Flags&readOnlyFlag != 0,
	}, nil
}
