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

// sampleEvery is the interval at which the server's child processes are read.
const sampleEvery = 20 * time.Millisecond

// peakOfBuild builds, and returns the peak memory of the server and that of the largest
// of its child processes, in MB, and the time in s.
func (env *environment) peakOfBuild(ctx context.Context, name string) (server, children, took float64, err error) {
	pid := env.Server.PID()
	if err := clearPeak(pid); err != nil {
		return 0, 0, 0, err
	}
	sampling, end := context.WithCancel(ctx)
	largest := make(chan float64, 1)
	go func() { largest <- peakOfChildren(sampling, pid) }()
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

// peakOfChildren returns the largest peak memory of the child processes of a process, in
// MB. It samples them until ctx ends, and may miss a child that runs for less than the
// interval.
func peakOfChildren(ctx context.Context, pid int) (most float64) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		for _, child := range childrenOf(pid) {
			if peak, err := memory(child, "VmHWM"); err == nil { // an error means that it has ended
				most = max(most, peak)
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return most
		}
	}
}

// childrenOf returns the ids of the child processes of a process (proc(5), children).
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
