package sbom

// The process that looks through an image: how it is started, bounded and ended.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	scanLimit  = 15 * time.Minute
	endLimit   = time.Second // from its end until nobody reads its answer any more
	maxMessage = 2 << 10     // bytes of what it may say about its failure
)

// Program is what looks through images: a program and the arguments before the
// paths of the archive and of the scratch folder. It writes the inventory to its
// standard output.
type Program struct {
	Path      string
	Arguments []string
}

// Scan runs the program on an archive that docker save wrote. What it takes out
// lies in a folder below work while it runs. When ctx ends, so does the process,
// and Scan returns the cause.
func (p Program) Scan(ctx context.Context, archive, work string) (Inventory, error) {
	inventory, err := p.scan(ctx, archive, work)
	if err != nil {
		return Inventory{}, fmt.Errorf("look through the image: %w", err)
	}
	return inventory, nil
}

func (p Program) scan(ctx context.Context, archive, work string) (inventory Inventory, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, scanLimit, fmt.Errorf("not done after %v", scanLimit))
	defer cancel()
	scratch, err := os.MkdirTemp(work, "scan-")
	if err != nil {
		return Inventory{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	image := filepath.Join(scratch, "image")
	if err := os.Mkdir(image, 0o700); err != nil {
		return Inventory{}, err
	}

	// The kernel ends the process with the thread that started it, also when
	// this server is killed.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var message head
	process := exec.CommandContext(ctx, p.Path, append(append([]string(nil), p.Arguments...), archive, image)...)
	process.Env = []string{"TMPDIR=" + scratch}
	process.Dir = scratch
	process.Stderr = &message
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	process.WaitDelay = endLimit
	answer, err := process.StdoutPipe()
	if err != nil {
		return Inventory{}, err
	}
	if err := process.Start(); err != nil {
		return Inventory{}, err
	}
	inventory, unread := read(answer)
	if unread != nil {
		_ = process.Process.Kill() // it may still be writing
	}
	ended := process.Wait()
	switch {
	case ctx.Err() != nil:
		return Inventory{}, context.Cause(ctx)
	case ended != nil && message.text.Len() > 0:
		return Inventory{}, errors.New(strings.TrimSpace(message.text.String()))
	}
	return inventory, errors.Join(unread, ended)
}

// head keeps the beginning of what is written to it.
type head struct{ text strings.Builder }

func (h *head) Write(p []byte) (int, error) {
	h.text.Write(p[:min(len(p), maxMessage-h.text.Len())])
	return len(p), nil
}
