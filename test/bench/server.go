package main

// The part "server" measures the server's startup, memory and request rates.

import (
	"context"
	"errors"
	"time"

	"github.com/opensbs/sbs/test/bench/result"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

const (
	idleGoal = 16 // MB of anonymous memory of the idle server
	peakGoal = 64 // MB that a build may add to its memory
	pollers  = 64 // clients that poll the status during a build
)

// server measures the part "server".
func (b *bench) server(ctx context.Context) (part result.Part, err error) {
	env, err := b.start(ctx)
	if err != nil {
		return part, err
	}
	defer func() { err = errors.Join(err, env.close(ctx)) }()
	row := func(what, unit string, samples []float64, goal *result.Goal) {
		part.Rows = append(part.Rows, result.Row{What: what, Unit: unit, Ours: samples, Goal: goal})
		logf("%s: %.1f %s", what, result.Of(samples).Median, unit)
	}

	startups, idle, err := b.starts(ctx, env)
	if err != nil {
		return part, err
	}
	row("start to first response over mutual TLS", "ms", startups, nil)
	row("anonymous memory when idle, after the start", "MB", idle, result.Value(idleGoal))

	if err := env.oneFile(ctx, nil); err != nil {
		return part, err
	}
	for range 10 {
		if err := env.build(ctx, oneFile.name); err != nil {
			return part, err
		}
	}
	after, err := memory(env.Server.PID(), "RssAnon")
	if err != nil {
		return part, err
	}
	row("anonymous memory when idle, after 10 builds", "MB", []float64{after}, result.Value(idleGoal))

	kept, renewed, err := b.rates(ctx, env)
	if err != nil {
		return part, err
	}
	row("status requests over persistent connections", "1/s", kept, nil)
	row("status requests over new connections", "1/s", renewed, nil)

	content, err := largeTree(env.dir)
	if err != nil {
		return part, err
	}
	if _, err := gitserver.CreateRepository(ctx, env.GitRoot, large.name+".git", content); err != nil {
		return part, err
	}
	if err := env.configure(ctx, large.name, nil); err != nil {
		return part, err
	}
	if after, err = memory(env.Server.PID(), "VmRSS"); err != nil {
		return part, err
	}
	peak, children, alone, err := env.peakOfBuild(ctx, large.name)
	if err != nil {
		return part, err
	}
	row("peak memory, build of 300 MB", "MB", []float64{peak}, nil)
	row("peak memory, above that before the build", "MB", []float64{peak - after}, result.Value(peakGoal))
	row("peak memory of the package scanner", "MB", []float64{children}, nil)

	latencies, polled, err := env.pollDuring(ctx, large.name)
	if err != nil {
		return part, err
	}
	row("status during a build, 64 clients, median", "ms", []float64{result.Quantile(latencies, 0.5)}, nil)
	row("status during a build, 64 clients, 99th percentile", "ms", []float64{result.Quantile(latencies, 0.99)}, nil)
	row("status during a build, 64 clients, slowest", "ms", []float64{result.Quantile(latencies, 1)}, nil)
	part.Rows = append(part.Rows, result.Row{What: "the same build with 64 clients", Unit: "s", ComparedWith: "no clients", Theirs: []float64{alone}, Ours: []float64{polled}})
	return part, nil
}

// oneFile creates and configures the smallest job, with changes to the configuration.
func (env *environment) oneFile(ctx context.Context, changes map[string]any) error {
	p, err := oneFile.prepare(ctx, nil, env)
	if err == nil {
		_, err = gitserver.CreateRepository(ctx, env.GitRoot, oneFile.name+".git", p.files)
	}
	return errors.Join(err, env.configure(ctx, oneFile.name, changes))
}

// starts restarts the server several times. It returns the times to the first response,
// in ms, and the anonymous memory after that, in MB.
func (b *bench) starts(ctx context.Context, env *environment) (startups, idle []float64, err error) {
	for range b.rounds {
		if err := env.Server.Stop(ctx); err != nil {
			return nil, nil, err
		}
		took, err := env.firstResponse(ctx)
		if err != nil {
			return nil, nil, err
		}
		resident, err := memory(env.Server.PID(), "RssAnon")
		if err != nil {
			return nil, nil, err
		}
		startups, idle = append(startups, took), append(idle, resident)
	}
	return startups, idle, nil
}

// firstResponse starts the server, which must not run, polls its status until it
// responds, and returns the time in ms.
func (env *environment) firstResponse(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	began := time.Now()
	if err := env.Server.Launch(); err != nil {
		return 0, err
	}
	for {
		err := getStatus(ctx, env.Server.Client(), env.Server.URL())
		if err == nil {
			return milliseconds(time.Since(began)), nil
		}
		select {
		case <-ticker.C:
		case <-env.Server.Done():
			return 0, errors.Join(env.Server.Err(), err)
		case <-ctx.Done():
			return 0, errors.Join(ctx.Err(), err)
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
