//go:build stack

package dockerd

// A second engine on the machine, real, in a network of its own.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/client"
	"go.uber.org/goleak"
)

const timeout = 2 * time.Minute

// configure returns the configuration of an engine that belongs to the test. Its folder
// is not the test's, because the path of a socket must be short.
func configure(t *testing.T) Config {
	t.Helper()
	program, err := filepath.Abs("testdata/apart.sh")
	if err != nil {
		t.Fatal(err)
	}
	run, err := os.MkdirTemp("", "own")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(run); err != nil {
			t.Error(err)
		}
	})
	return Config{Program: program, Data: filepath.Join(run, "data"), Run: filepath.Join(run, "run"), Group: filepath.Base(run), Logger: slog.New(slog.DiscardHandler)}
}

func ask(ctx context.Context, host string) error {
	api, err := client.NewClientWithOpts(client.WithHost(host), client.WithAPIVersionNegotiation())
	if err != nil {
		return err
	}
	_, err = api.Info(ctx)
	return errors.Join(err, api.Close())
}

func TestEngineIsWatched(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	config := configure(t)
	d, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(t.Context(), d.Host()); err != nil {
		t.Errorf("the engine that started: %v", err)
	}
	first := dockerdPID(t, config)
	left := []int{first, children(t, first)}

	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another engine replies", func() bool {
		return dockerdPID(t, config) != first && ask(t.Context(), d.Host()) == nil
	})
	second := dockerdPID(t, config)
	left = append(left, second, children(t, second))

	if err := d.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	for _, pid := range left {
		eventually(t, fmt.Sprintf("process %d is gone", pid), func() bool {
			return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
		})
	}
	if err := ask(t.Context(), d.Host()); err == nil {
		t.Error("the engine replies after Stop")
	}
	for line := range strings.Lines(text(t, "/proc/self/mountinfo")) {
		if strings.Contains(line, config.Run) || strings.Contains(line, config.Data) {
			t.Errorf("a mount is left: %s", line)
		}
	}
}

func TestEngineThatEndsAtOnce(t *testing.T) {
	config := configure(t)
	config.Program = filepath.Join(t.TempDir(), "dockerd")
	if err := os.WriteFile(config.Program, []byte("#!/bin/sh\nexit 7\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), config)
	if err == nil || !strings.Contains(err.Error(), "ended while it started") || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("Start: %v, want how the program ended", err)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	config := configure(t)
	config.Program = filepath.Join(t.TempDir(), "dockerd")
	if err := os.WriteFile(config.Program, []byte("#!/bin/sh\necho $$ >\"$0.pid\"\nexec sleep 600\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		eventually(t, "the program runs", func() bool { _, err := os.Stat(config.Program + ".pid"); return err == nil })
	}()
	if _, err := Start(ctx, config); !errors.Is(err, context.Canceled) {
		t.Errorf("Start: %v, want the end of its context", err)
	}
	if pid := number(t, config.Program+".pid"); !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		t.Errorf("process %d is left", pid)
	}
}

// dockerdPID returns the engine's process id, 0 while none has written it.
func dockerdPID(t *testing.T, config Config) int {
	t.Helper()
	if _, err := os.Stat(config.pidFile()); errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	return number(t, config.pidFile())
}

// children returns the one child process of the engine, containerd.
func children(t *testing.T, pid int) int {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		if found := strings.Fields(text(t, list)); len(found) > 0 {
			child, err := strconv.Atoi(found[0])
			if err != nil {
				t.Fatal(err)
			}
			return child
		}
	}
	t.Fatalf("the engine %d runs no containerd", pid)
	return 0
}

func number(t *testing.T, path string) int {
	t.Helper()
	written, err := os.ReadFile(path)
	if err != nil {
		return 0 // it is gone again
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(written)))
	if err != nil {
		return 0 // not written yet
	}
	return n
}

func text(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Errorf("timeout while waiting until %s", what)
			return
		}
	}
}
