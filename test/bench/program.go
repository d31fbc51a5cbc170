package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/opensbs/sbs/server/process"
)

// program is a command of another program, and where it runs.
type program struct {
	dir         string
	environment []string // beside that of this process
	input       []byte
	output      io.Writer // of both outputs together; nil: they are returned
}

// run runs a command and returns what it wrote to its standard output. The
// command ends when ctx does.
func (p program) run(ctx context.Context, name string, arguments ...string) (string, error) {
	command := exec.Command(name, arguments...)
	command.Dir, command.Env = p.dir, append(os.Environ(), p.environment...)
	command.Stdin = bytes.NewReader(p.input)
	var out, messages bytes.Buffer
	command.Stdout, command.Stderr = &out, &messages
	if p.output != nil {
		command.Stdout, command.Stderr = p.output, io.MultiWriter(p.output, &messages)
	}
	running, err := process.Start(filepath.Base(name), command)
	if err != nil {
		return "", err
	}
	select {
	case <-running.Done():
		err = running.Err()
	case <-ctx.Done():
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err = errors.Join(ctx.Err(), running.Stop(stopping))
	}
	if err != nil {
		said := strings.TrimSpace(messages.String())
		return "", fmt.Errorf("%w: %s", err, said[max(0, len(said)-2000):])
	}
	return strings.TrimSpace(out.String()), nil
}
