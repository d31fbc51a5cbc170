//go:build stack

package buildkitd

// The end of a daemon: what it leaves, and what comes after it.

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const waitTime = 2 * time.Minute

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTime)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("timeout while waiting until %s", what)
		}
	}
}

// processes returns those whose command line has a text.
func processes(t *testing.T, text string) (found []int) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(line), text) {
			continue // it has ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, pid)
	}
	return found
}

// nothingLeft requires that nothing of a daemon is left on the machine.
func nothingLeft(t *testing.T, config Config) {
	t.Helper()
	if found := processes(t, config.Run); len(found) > 0 {
		t.Errorf("processes %d are left", found)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), config.Data) {
		t.Errorf("mounts are left (%v): %s", err, mounts)
	}
	if rules, err := exec.Command("iptables-save").CombinedOutput(); err != nil || strings.Contains(string(rules), config.Bridge) {
		t.Errorf("rules are left (%v): %s", err, rules)
	}
	for _, pattern := range []string{
		"/sys/class/net/" + config.Bridge, "/sys/fs/cgroup/*/" + config.Group, "/sys/fs/cgroup/" + config.Group,
		filepath.Join(pluginResults, config.Bridge+"-*"), filepath.Join(config.Run, "*"),
	} {
		if found, err := filepath.Glob(pattern); err != nil || len(found) > 0 {
			t.Errorf("%q are left (%v)", found, err)
		}
	}
	if states, err := exec.Command("grep", "-rl", "/"+config.Group+"/", runcState).Output(); len(states) > 0 {
		t.Errorf("containers are left (%v): %s", err, states)
	}
}

func TestDaemonThatIsKilled(t *testing.T) {
	config := configure(t)
	d, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	mark := "600." + strconv.Itoa(os.Getpid()) // no other sleep has it
	ended := make(chan error, 1)
	go func() {
		_, err := build(t.Context(), t, d.Host(), inBusybox("/bin/busybox sleep "+mark))
		ended <- err
	}()
	eventually(t, "the step runs", func() bool {
		return len(processes(t, "sleep\x00"+mark)) > 0
	})
	daemons := processes(t, config.settingsFile())
	if len(daemons) != 1 {
		t.Fatalf("the daemons are %d", daemons)
	}
	if err := syscall.Kill(daemons[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("the build whose daemon was killed has no error")
	}
	eventually(t, "another daemon was checked", func() bool {
		_, err := os.Stat(config.socket())
		now := processes(t, config.settingsFile())
		return err == nil && len(now) == 1 && now[0] != daemons[0]
	})
	// One that has ended has no arguments any more, even before init has waited for it.
	if found := processes(t, "sleep\x00"+mark); len(found) > 0 {
		t.Errorf("the step %d of the killed daemon runs on", found)
	}
	if printed, err := build(t.Context(), t, d.Host(), inBusybox("/bin/busybox echo again")); err != nil || !strings.Contains(printed, "again") {
		t.Errorf("a build after that: %v, printed %q", err, printed)
	}
	if folders, err := os.ReadDir(config.Data); err != nil || len(folders) != 1 {
		t.Errorf("the data are in %v (%v), want one folder", folders, err)
	}
	if err := d.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	nothingLeft(t, config)
}
