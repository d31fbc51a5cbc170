package main

// The machine of a measurement, and figures of its processes.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/opensbs/sbs/test/bench/result"
)

// machine returns the description of the machine.
func (b *bench) machine(ctx context.Context) (result.Machine, error) {
	engine, err := program{}.run(ctx, b.docker, "version", "--format", "{{.Server.Version}}")
	if err != nil {
		return result.Machine{}, err
	}
	docker, err := program{}.run(ctx, b.docker, "version", "--format", "{{.Client.Version}}")
	if err != nil {
		return result.Machine{}, err
	}
	kernel, err := program{}.run(ctx, "uname", "-srm")
	if err != nil {
		return result.Machine{}, err
	}
	cpu, err := procField("/proc/cpuinfo", "model name")
	if err != nil {
		if cpu, err = procField("/proc/cpuinfo", "vendor_id"); err != nil { // s390x
			return result.Machine{}, err
		}
	}
	memory, err := procKilobytes("/proc/meminfo", "MemTotal")
	return result.Machine{
		CPU: cpu, Cores: runtime.NumCPU(), Memory: float64(int(memory*1024/1e8)) / 10,
		Kernel: kernel, Engine: engine, Docker: docker, Go: runtime.Version(),
	}, err
}

// commit returns the commit of the code that is measured, with -dirty if files are
// changed.
func (b *bench) commit(ctx context.Context) (string, error) {
	return program{}.run(ctx, "git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12")
}

// procField returns the value after a name and a colon in a file of proc(5).
func procField(path, name string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		key, value, found := strings.Cut(line, ":")
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("%s has no %s", path, name)
}

// procKilobytes returns a figure of proc(5), in units of 1,024 bytes.
func procKilobytes(path, name string) (float64, error) {
	value, err := procField(path, name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSuffix(value, " kB"), 64)
}

// memory returns a figure of a process in MB: VmRSS, VmHWM or RssAnon.
func memory(pid int, figure string) (float64, error) {
	kilobytes, err := procKilobytes(fmt.Sprintf("/proc/%d/status", pid), figure)
	return kilobytes * 1024 / 1e6, err
}

// findDocker returns the path of a docker command that builds through BuildKit and can
// sign. Newer versions need a plugin for BuildKit, and the newest can't sign.
func findDocker(ctx context.Context, dir string) (string, error) {
	context := filepath.Join(dir, "empty")
	if err := os.MkdirAll(context, 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(context, "Dockerfile"), []byte("FROM scratch\nCOPY Dockerfile /\n"), 0o600); err != nil {
		return "", err
	}
	withBuildKit := program{environment: []string{"DOCKER_BUILDKIT=1"}}
	var failed []error
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		docker := filepath.Join(folder, "docker")
		if _, err := exec.LookPath(docker); err != nil {
			continue
		}
		_, err := withBuildKit.run(ctx, docker, "build", "--quiet", "--output", "type=tar,dest="+os.DevNull, context)
		if err == nil {
			_, err = withBuildKit.run(ctx, docker, "trust", "--help")
		}
		if err == nil {
			return docker, nil
		}
		failed = append(failed, fmt.Errorf("%s: %w", docker, err))
	}
	return "", fmt.Errorf("no docker command builds through BuildKit and has docker trust: install the package docker.io, or docker-buildx in addition to the installed one: %w", errors.Join(failed...))
}

// clearPeak resets VmHWM of a process (proc(5), clear_refs).
func clearPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0o200)
}

// peakOf returns the peak memory in MB of a process that has ended, or of the largest of
// the processes that it waited for.
func peakOf(state *os.ProcessState) (float64, error) {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, errors.New("the system reports no memory of a process that has ended")
	}
	return float64(usage.Maxrss) * 1024 / 1e6, nil
}
