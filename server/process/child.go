package process

// The life of a child process, from its start to its end.

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
)

// Child is a program that was started.
type Child struct {
	name string
	pid  int
	done chan struct{}
	err  error // what Wait returned; read only after done is closed
}

// Command returns a command that runs program with arguments, for [Start].
func Command(program string, arguments ...string) *exec.Cmd {
	return exec.Command(program, arguments...) //nolint:gosec // the callers name fixed programs
}

// Start starts command, which must not have been started yet, as the leader of a
// process group that ends with this process. name is its name in messages.
func Start(name string, command *exec.Cmd) (*Child, error) {
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	command.SysProcAttr.Setpgid, command.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	c := &Child{name: name, done: make(chan struct{})}
	started := make(chan error)
	// Linux ties "kill me when my parent dies" to the thread that started the
	// child, not to the process (prctl(2), PR_SET_PDEATHSIG). One goroutine that
	// keeps its thread therefore starts the child and waits for it.
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		if err == nil {
			c.pid = command.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		c.err = command.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return c, nil
}

// PID is the process id, which is also the id of its process group.
func (c *Child) PID() int { return c.pid }

// Done is closed when the program has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Err waits for the program's end and returns how it ended: nil for exit code 0.
func (c *Child) Err() error {
	<-c.done
	if c.err != nil {
		return fmt.Errorf("%s: %w", c.name, c.err)
	}
	return nil
}

// Kill ends the program and its children at once (SIGKILL) and waits for it.
func (c *Child) Kill() error {
	if err := c.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-c.done
	return nil
}

// Stop asks the program to end (SIGTERM) and waits for it. When ctx ends
// first the program is killed, and that is an error. Whatever of the group is
// left is killed in any case.
func (c *Child) Stop(ctx context.Context) error {
	if err := c.signal(syscall.SIGTERM); err != nil {
		return errors.Join(err, c.Kill())
	}
	select {
	case <-c.done:
		return c.signal(syscall.SIGKILL)
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("%s did not stop in time and was killed: %w", c.name, ctx.Err()), c.Kill())
	}
}

// signal sends sig to the whole group. A group that is gone is no error.
func (c *Child) signal(sig syscall.Signal) error {
	if err := syscall.Kill(-c.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %s to %s: %w", sig, c.name, err)
	}
	return nil
}
