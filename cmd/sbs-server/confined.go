package main

// Tasks that run in a process of their own, confined: this program again, apart
// from the keys, the network and the file system.

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/server/process"
	"github.com/opensbs/sbs/server/sbom"
	"github.com/opensbs/sbs/server/sbom/scan"
)

// scanSoftMemory is the memory, in bytes, from which a scan collects garbage more
// often.
const scanSoftMemory = 512 << 20

// newSandbox checks how this machine lets tasks be confined, and logs what it
// refuses.
func newSandbox(ctx context.Context, logger *slog.Logger) (*process.Sandbox, error) {
	sandbox, err := process.NewSandbox(ctx, process.OwnProgram)
	if err != nil {
		return nil, fmt.Errorf("%w (images and Dockerfiles are read in such a process only; docs/server.md lists what it needs)", err)
	}
	for _, missing := range sandbox.Missing() {
		logger.Warn("processes that read images and Dockerfiles run without a part of their confinement", "part", missing)
	}
	return sandbox, nil
}

// confinedTasks are the tasks that process.Main runs in the confined process.
func confinedTasks(ctx context.Context) map[string]func() error {
	return map[string]func() error{
		sbom.ScanTask:           func() error { return scanImage(ctx) },
		dockerfile.CheckTask:    func() error { return dockerfile.RunCheck(os.Stdin, os.Stdout) },
		dockerfile.TriggersTask: func() error { return dockerfile.RunTriggers(os.Stdin, os.Stdout) },
	}
}

// scanImage writes the inventory of the image on standard input to standard
// output. The working directory is an empty folder that it may fill.
func scanImage(ctx context.Context) error {
	debug.SetMemoryLimit(scanSoftMemory)
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	files, temporary := filepath.Join(folder, "files-of-the-image"), filepath.Join(folder, "temporary")
	for _, name := range []string{files, temporary} {
		if err := os.Mkdir(name, 0o700); err != nil {
			return err
		}
	}
	if err := os.Setenv("TMPDIR", temporary); err != nil {
		return err
	}
	found, err := scan.Image(ctx, os.Stdin, files)
	if err != nil {
		return err
	}
	return found.Write(os.Stdout)
}
