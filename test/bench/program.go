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

// program is the environment in which commands are run.
type program struct {
	dir         string
	environment []string // added to that of this process
	input       []byte
	output      io.Writer // receives standard output and standard error; nil: they are returned
}

// run runs a command and returns its standard output, without space around it. The
// command is stopped when ctx ends.
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
		text := strings.TrimSpace(messages.String())
		return "", fmt.Errorf("%w: %s", err, text[max(0, len(text)-2000):])
	}
	return strings.TrimSpace(out.String()), nil
}
