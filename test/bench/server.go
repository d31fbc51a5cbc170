// The server as a whole: how soon it answers, what it takes, how many it serves.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/opensbs/sbs/test/bench/result"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

const (
	restGoal = 16 // MB of anonymous memory that the server may have at rest
	peakGoal = 64 // MB that a build may add to that
	pollers  = 64 // clients that ask during a build
)

func (b *bench) server(ctx context.Context) (part result.Part, err error) {
	env, err := b.start(ctx)
	if err != nil {
		return part, err
	}
	defer func() { err = errors.Join(err, env.close(ctx)) }()
	row := func(what, unit string, samples []float64, goal *result.Goal) {
		part.Rows = append(part.Rows, result.Row{What: what, Unit: unit, Ours: samples, Goal: goal})
		say("%s: %.1f %s", what, result.Of(samples).Median, unit)
	}

	answers, rest, err := b.starts(ctx, env)
	if err != nil {
		return part, err
	}
	row("start to first answer over mutual TLS", "ms", answers, nil)
	row("anonymous memory at rest, after the start", "MB", rest, result.Value(restGoal))

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
	row("anonymous memory at rest, after 10 builds", "MB", []float64{after}, result.Value(restGoal))

	kept, renewed, err := b.rates(ctx, env)
	if err != nil {
		return part, err
	}
	row("status requests over kept connections", "1/s", kept, nil)
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
	row("memory at its peak, build of 300 MB", "MB", []float64{peak}, nil)
	row("memory at its peak, above that before the build", "MB", []float64{peak - after}, result.Value(peakGoal))
	row("memory of the program that looks for packages, at its peak", "MB", []float64{children}, nil)

	latencies, polled, err := env.pollDuring(ctx, large.name)
	if err != nil {
		return part, err
	}
	row("status beside a build, 64 clients, median", "ms", []float64{result.Quantile(latencies, 0.5)}, nil)
	row("status beside a build, 64 clients, 99 of 100", "ms", []float64{result.Quantile(latencies, 0.99)}, nil)
	row("status beside a build, 64 clients, slowest", "ms", []float64{result.Quantile(latencies, 1)}, nil)
	part.Rows = append(part.Rows, result.Row{What: "the same build with 64 clients", Unit: "s", Beside: "without", Theirs: []float64{alone}, Ours: []float64{polled}})
	return part, nil
}

// oneFile configures the smallest job, with changes to the configuration.
func (env *environment) oneFile(ctx context.Context, changes map[string]any) error {
	p, err := oneFile.prepare(ctx, nil, env)
	if err == nil {
		_, err = gitserver.CreateRepository(ctx, env.GitRoot, oneFile.name+".git", p.files)
	}
	return errors.Join(err, env.configure(ctx, oneFile.name, changes))
}

// starts starts the server anew, several times: how long it took to answer, in
// ms, and its anonymous memory after that, in MB.
func (b *bench) starts(ctx context.Context, env *environment) (answers, rest []float64, err error) {
	for range b.rounds {
		if err := env.Server.Stop(ctx); err != nil {
			return nil, nil, err
		}
		took, err := env.firstAnswer(ctx)
		if err != nil {
			return nil, nil, err
		}
		resident, err := memory(env.Server.PID(), "RssAnon")
		if err != nil {
			return nil, nil, err
		}
		answers, rest = append(answers, took), append(rest, resident)
	}
	return answers, rest, nil
}

// firstAnswer starts the server, which must not run, and asks for its status
// again and again until it answers. It returns how many ms that took.
func (env *environment) firstAnswer(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	began := time.Now()
	if err := env.Server.Launch(); err != nil {
		return 0, err
	}
	for {
		err := ask(ctx, env.Server.Client(), env.Server.URL())
		if err == nil {
			return milliseconds(time.Since(began)), nil
		}
		select {
		case <-again.C:
		case <-env.Server.Done():
			return 0, errors.Join(env.Server.Err(), err)
		case <-ctx.Done():
			return 0, errors.Join(ctx.Err(), err)
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
