package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// role is the variable that makes the test binary one of the programs under test.
const role = "CHILD_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		goleak.VerifyTestMain(m)
	case "polite": // ends when asked
		fmt.Println(os.Getpid())
		wait()
	case "unyielding": // ends only when killed
		signal.Ignore(syscall.SIGTERM)
		fmt.Println(os.Getpid())
		wait()
	case "starter": // starts an unyielding child and waits to be killed
		command := program("unyielding")
		command.Stdout = os.Stdout
		if _, err := Start("grandchild", command); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		wait()
	}
}

func TestStopEndsAProgramThatListens(t *testing.T) {
	c, _ := start(t, "polite")
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := c.Err(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("the program ended with %v, want by SIGTERM", err)
	}
}

func TestStopKillsAProgramThatDoesNotListen(t *testing.T) {
	c, _ := start(t, "unyielding")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop returned %v, want that the deadline passed", err)
	}
	if alive(c.PID()) {
		t.Error("the program still runs")
	}
}

func TestKillAfterTheEndIsNoError(t *testing.T) {
	c, _ := start(t, "polite")
	if err := errors.Join(c.Kill(), c.Kill()); err != nil {
		t.Error(err)
	}
}

func TestChildDiesWithItsStarter(t *testing.T) {
	starter, grandchild := start(t, "starter")
	if err := syscall.Kill(starter.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-starter.Done()
	for deadline := time.Now().Add(10 * time.Second); alive(grandchild); runtime.Gosched() {
		if time.Now().After(deadline) {
			syscall.Kill(grandchild, syscall.SIGKILL)
			t.Fatalf("process %d outlived the one that started it", grandchild)
		}
	}
}

func TestStartNamesMissingProgram(t *testing.T) {
	_, err := Start("the part", exec.Command("/nonexistent/program"))
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "the part") {
		t.Errorf("Start of a missing program: %v", err)
	}
}

// start runs the test binary in a role and returns the process id it printed.
func start(t *testing.T, as string) (*Child, int) {
	t.Helper()
	command := program(as)
	reader, writer := io.Pipe()
	command.Stdout = writer
	c, err := Start(as, command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Kill(); err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return c, pid
}

// wait blocks for ever; an empty select would be reported as a deadlock.
func wait() {
	for {
		syscall.Pause()
	}
}

func program(as string) *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Env = []string{role + "=" + as}
	command.WaitDelay = time.Second // a grandchild that lives on keeps the pipe open
	return command
}

// alive reports whether a process runs: it has not ended, and is not a zombie.
func alive(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, found := strings.Cut(string(status), ") ")
	return found && !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}
