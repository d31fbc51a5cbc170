package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// lookEvery is how often the server's child processes are looked at.
const lookEvery = 20 * time.Millisecond

// peakOfBuild builds, and returns the most memory that the server took meanwhile,
// and that the largest of its child processes took, in MB, and the time in s.
func (env *environment) peakOfBuild(ctx context.Context, name string) (server, children, took float64, err error) {
	pid := env.Server.PID()
	if err := clearPeak(pid); err != nil {
		return 0, 0, 0, err
	}
	looking, end := context.WithCancel(ctx)
	largest := make(chan float64, 1)
	go func() { largest <- peakOfChildren(looking, pid) }()
	began := time.Now()
	err = env.build(ctx, name)
	took = time.Since(began).Seconds()
	end()
	children = <-largest
	if err != nil {
		return 0, 0, 0, err
	}
	server, err = memory(pid, "VmHWM")
	return server, children, took, err
}

// peakOfChildren looks at the child processes of a process until ctx ends. A
// child that lives shorter than from look to look may be missed.
func peakOfChildren(ctx context.Context, pid int) (most float64) {
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	for {
		for _, child := range childrenOf(pid) {
			if peak, err := memory(child, "VmHWM"); err == nil { // or it has ended
				most = max(most, peak)
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return most
		}
	}
}

// childrenOf are the child processes that a process has now (proc(5), children).
func childrenOf(pid int) (children []int) {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}
