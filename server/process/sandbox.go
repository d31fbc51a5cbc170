package process

// The parent's half: which confinement this machine grants, and one task in it.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// uid is the user and group id of tasks of a server that is root: one of
	// those that Debian reserves, so that nobody else has it.
	uid = 65510

	checkTime  = 20 * time.Second
	endTime    = time.Second // from a task's end until its output is closed
	maxMessage = 2 << 10     // bytes of a task's standard error that are kept
	maxReport  = 4 << 10     // bytes of the report of the check

	namespaces = syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
)

// Sandbox runs tasks of this program in child processes that are confined.
type Sandbox struct {
	program string
	confinement
	missing []string
}

// confinement has the parts of the sandbox that are not always available.
type confinement struct {
	Namespaces bool // network, mount, pid, ipc and uts namespaces; with a user namespace unless UID is set
	UID        int  // the user and group id to change to; 0 without root
}

// NewSandbox checks how this machine lets the program be confined, by confining
// a child that does nothing. It returns an error where a required part is refused.
// program is the file of the program, which calls Main; OwnProgram is this one.
func NewSandbox(ctx context.Context, program string) (*Sandbox, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, checkTime, fmt.Errorf("not done after %v", checkTime))
	defer cancel()
	if err := closeInherited(); err != nil {
		return nil, err
	}
	s := &Sandbox{program: program, confinement: confinement{Namespaces: true}}
	if os.Getuid() == 0 {
		s.UID = uid
	} else {
		s.missing = append(s.missing, "a user id of its own (the server is not root)")
	}
	report, err := s.check(ctx)
	if err == nil {
		s.missing = append(s.missing, report...)
		return s, nil
	}
	s.missing = append(s.missing, fmt.Sprintf("network, mount, process, ipc and uts namespaces (%v)", err))
	if s.UID == 0 {
		s.missing = append(s.missing, "an empty file system")
	}
	s.Namespaces = false
	report, err = s.check(ctx)
	if err != nil {
		return nil, fmt.Errorf("confine a child process: %w", err)
	}
	s.missing = append(s.missing, report...)
	return s, nil
}

// OwnProgram is the file of this program, also after it was replaced.
const OwnProgram = "/proc/self/exe"

// Missing returns the parts of the confinement that this machine refuses, as
// phrases: "a user id of its own (…)".
func (s *Sandbox) Missing() []string { return slices.Clone(s.missing) }

// check runs the task that only reports what is missing.
func (s *Sandbox) check(ctx context.Context) (missing []string, err error) {
	err = s.Run(ctx, Task{Name: checkTask, Limits: Limits{Time: checkTime, Memory: 1 << 30}}, func(output io.Reader) error {
		return json.NewDecoder(io.LimitReader(output, maxReport)).Decode(&missing)
	})
	return missing, err
}

// Task is the work of a confined child, which runs it once.
type Task struct {
	Name string // of the task, as the program's Main knows it
	// Input is the child's standard input, empty unless given. A file is handed
	// over as it is, so that the child can read it from any offset.
	Input io.Reader
	// Scratch is an empty folder that the child may fill: its working directory
	// and, but in a sandbox without namespaces or root, its root. Without it the
	// child can't write a file.
	Scratch string
	Limits  Limits
}

// Limits bound a task.
type Limits struct {
	Time   time.Duration // until it is killed; its CPU time is bounded by it too
	Memory uint64        // bytes of data
	File   uint64        // bytes of the largest file that it may write; 0 for none at all
}

// Run starts a child for task and calls read with what it writes to its standard
// output, which read must bound. It returns when the child has ended: with
// read's error, with the child's message, or with the cause of ctx, which ends the
// child as well.
func (s *Sandbox) Run(ctx context.Context, task Task, read func(output io.Reader) error) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, task.Limits.Time, fmt.Errorf("not done after %v", task.Limits.Time))
	defer cancel()
	root, removeRoot, err := s.root(task)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeRoot()) }()
	command, err := s.command(task, root)
	if err != nil {
		return err
	}
	var message head
	command.Stderr = &message
	output, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer output.Close()
	command.Stdout = write
	child, err := Start(task.Name, command)
	if err := errors.Join(err, write.Close()); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = child.Kill() })
	defer stop()
	unread := read(output)
	if unread != nil {
		_ = child.Kill() // it may still be writing
	}
	ended := child.Err()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case ended != nil && message.text.Len() > 0:
		return taskError(strings.TrimSpace(message.text.String()), ended)
	}
	return errors.Join(unread, ended)
}

// root returns the folder that becomes the child's root, empty for one that the
// child mounts itself, and how it is removed.
func (s *Sandbox) root(task Task) (folder string, remove func() error, err error) {
	remove = func() error { return nil }
	switch {
	case task.Scratch != "" && s.UID != 0:
		return task.Scratch, remove, os.Chown(task.Scratch, s.UID, s.UID)
	case task.Scratch != "" || s.Namespaces || s.UID == 0:
		return task.Scratch, remove, nil
	}
	if folder, err = os.MkdirTemp("", "sbs-empty-"); err != nil {
		return "", nil, err
	}
	return folder, func() error { return os.RemoveAll(folder) }, os.Chmod(folder, 0o555)
}

// command is the program with the arguments that Main takes.
func (s *Sandbox) command(task Task, root string) (*exec.Cmd, error) {
	cores := time.Duration(runtime.NumCPU())
	text, err := json.Marshal(settings{
		Confinement: s.confinement, Root: root, Writable: task.Scratch != "",
		CPU: uint64(task.Limits.Time*cores/time.Second) + 1, Memory: task.Limits.Memory, File: task.Limits.File,
	})
	if err != nil {
		return nil, err
	}
	command := exec.Command(s.program, Argument, string(text), task.Name)
	command.Env = []string{}
	command.Stdin = task.Input
	if task.Input == nil {
		command.Stdin = strings.NewReader("")
	}
	command.WaitDelay = endTime
	command.SysProcAttr = &syscall.SysProcAttr{}
	if !s.Namespaces {
		return command, nil
	}
	command.SysProcAttr.Cloneflags = namespaces
	if s.UID == 0 { // root of a user namespace, which is the server's user outside
		command.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return command, nil
}

// head keeps the beginning of what is written to it.
type head struct{ text strings.Builder }

func (h *head) Write(p []byte) (int, error) {
	h.text.Write(p[:min(len(p), maxMessage-h.text.Len())])
	return len(p), nil
}
