//go:build stack

package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// programs are the programs under test, built once.
var programs Options

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "programs")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if programs, err = Build(context.Background(), dir); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func TestStackStartsAndStopsCleanly(t *testing.T) {
	options := programs
	options.Dir = t.TempDir()
	stack, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	var described description
	read(t, stack.dir.path(descriptionName), &described)
	if _, err := os.Stat(stack.dir.path(readyName)); err != nil {
		t.Error(err)
	}
	for _, name := range []string{configName, descriptionName, gitKeyName} {
		info, err := os.Stat(stack.dir.path(name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want a file that only its owner may read", name, info, err)
		}
	}
	addresses := []string{described.Registry, stack.Vendor.Registry.Address()}
	for _, address := range []string{described.Server, described.Notary, described.GitSSH, described.GitHTTPS,
		described.ObjectStore.Endpoint, described.ObjectStore.AuthEndpoint} {
		parsed, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, strings.Replace(parsed.Host, hostname, "127.0.0.1", 1))
	}
	for _, address := range addresses {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Errorf("a part of stack.json does not listen: %v", err)
			continue
		}
		conn.Close()
	}
	if len(descendants(t, os.Getpid())) == 0 {
		t.Error("no child process runs: neither the server nor the notary server was started")
	}

	if err := stack.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial %s after Close: %v, want connection refused", address, err)
		}
	}
	if left := descendants(t, os.Getpid()); len(left) > 0 {
		t.Errorf("processes left running: %v", left)
	}
	if _, err := os.Stat(stack.dir.path(readyName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file ready still exists: %v", err)
	}
}

func TestServerIsKilledAndRestarted(t *testing.T) {
	options := programs
	options.Dir = t.TempDir()
	stack, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stack.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	first := stack.Server.PID()
	if err := stack.Server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := stack.Server.probe(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a request after Kill: %v, want connection refused", err)
	}
	for _, how := range []string{"after a kill", "while it runs"} {
		if err := stack.Server.Restart(t.Context()); err != nil {
			t.Fatalf("restart %s: %v", how, err)
		}
		if err := stack.Server.probe(t.Context()); err != nil {
			t.Errorf("a request after a restart %s: %v", how, err)
		}
		if pid := stack.Server.PID(); pid == first || pid == 0 {
			t.Errorf("restart %s: process %d before and %d now", how, first, pid)
		}
		first = stack.Server.PID()
	}
}

func TestFailedStartShowsLogAndStopsParts(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "sbs-server")
	script := fmt.Sprintf("#!/bin/sh\n[ $# -eq 0 ] || exec %q \"$@\"\necho the disk is full >&2\nexit 3\n", programs.ServerBinary)
	if err := os.WriteFile(broken, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	options := programs
	options.Dir, options.ServerBinary = t.TempDir(), broken
	_, err := Start(t.Context(), options)
	if err == nil || !strings.Contains(err.Error(), "the disk is full") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("Start: %v, want the exit code and the log's end", err)
	}
	if left := descendants(t, os.Getpid()); len(left) > 0 {
		t.Errorf("processes left running: %v", left)
	}
	_, release, err := claim(options.Dir)
	if err != nil {
		t.Fatalf("the folder is still locked: %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}

func TestHarnessCommand(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "harness")
	if output, err := exec.Command("go", "build", "-o", binary, "./cmd/harness").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for _, test := range []struct {
		signal syscall.Signal
		code   int
		ready  bool // whether the file still exists
	}{
		{syscall.SIGTERM, 0, false},
		{syscall.SIGINT, 0, false},
		{syscall.SIGKILL, -1, true},
	} {
		t.Run(test.signal.String(), func(t *testing.T) {
			const dir = "relative/stack"
			command := exec.Command(binary, "--dir", dir, "--server", programs.ServerBinary, "--cli", programs.ClientBinary)
			command.Dir = t.TempDir()
			command.Stderr = os.Stderr
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			ready := filepath.Join(command.Dir, dir, readyName)
			eventually(t, "the stack is ready", func() bool { _, err := os.Stat(ready); return err == nil })
			started := descendants(t, command.Process.Pid)
			if len(started) == 0 {
				t.Error("the harness started no process")
			}

			if err := command.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			// A killed process returns an error here; its exit code is checked below.
			_ = command.Wait()
			if code := command.ProcessState.ExitCode(); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			eventually(t, "all its child processes have ended", func() bool {
				for _, pid := range started {
					if running(pid) {
						return false
					}
				}
				return true
			})
			if _, err := os.Stat(ready); (err == nil) != test.ready {
				t.Errorf("the file ready: %v", err)
			}
		})
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// eventually polls a condition on another process until it is true.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("timeout while waiting until %s", what)
		}
	}
}
