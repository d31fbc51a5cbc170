package sbom

// The scan of an image: how its process is started and what is read of it.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/opensbs/sbs/server/process"
)

// ScanTask is the task of the confined process, which writes the inventory of the
// archive on its standard input to its standard output.
const ScanTask = "scan-image"

// Limits of a scan.
const (
	scanTime   = 15 * time.Minute
	scanMemory = 2 << 30 // bytes
	scanFile   = 2 << 30 // bytes of a file that is extracted
)

// Runner runs a task in a process that is confined, and calls read with its output.
type Runner interface {
	Run(ctx context.Context, task process.Task, read func(output io.Reader) error) error
}

// Scanner takes inventories of images.
type Scanner struct{ Runner Runner }

// Scan takes the inventory of an archive that docker save wrote. The files that
// it extracts are in a folder below work while it runs. When ctx ends, so does the
// process, and Scan returns the cause.
func (s Scanner) Scan(ctx context.Context, archive, work string) (Inventory, error) {
	inventory, err := s.scan(ctx, archive, work)
	if err != nil {
		return Inventory{}, fmt.Errorf("scan the image: %w", err)
	}
	return inventory, nil
}

func (s Scanner) scan(ctx context.Context, archive, work string) (inventory Inventory, err error) {
	input, err := os.Open(archive)
	if err != nil {
		return Inventory{}, err
	}
	defer input.Close()
	scratch, err := os.MkdirTemp(work, "scan-")
	if err != nil {
		return Inventory{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	task := process.Task{
		Name: ScanTask, Input: input, Scratch: scratch,
		Limits: process.Limits{Time: scanTime, Memory: scanMemory, File: scanFile},
	}
	err = s.Runner.Run(ctx, task, func(output io.Reader) error {
		inventory, err = read(output)
		return err
	})
	return inventory, err
}
