package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/opensbs/sbs/test/bench/result"
	"github.com/opensbs/sbs/test/harness"
)

// parts are the parts of the benchmarks, in the order of the table.
var parts = []part{
	{oneFile.name, func(b *bench, ctx context.Context) (result.Part, error) { return b.job(ctx, oneFile) }},
	{goProgram.name, func(b *bench, ctx context.Context) (result.Part, error) { return b.job(ctx, goProgram) }},
	{large.name, func(b *bench, ctx context.Context) (result.Part, error) { return b.job(ctx, large) }},
	{"clone", (*bench).clone},
	{"manifest", (*bench).manifest},
	{"server", (*bench).server},
	{"log", (*bench).log},
	{"growth", (*bench).growth},
}

// part measures one part of the table. It removes everything that it creates.
type part struct {
	name    string
	measure func(*bench, context.Context) (result.Part, error)
}

// bench is what all parts of a run share.
type bench struct {
	dir      string // temporary folder of this run
	rounds   int    // pairs of each measurement
	programs harness.Options
	docker   string // path of a docker command that builds through BuildKit
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	do := run
	if role := os.Getenv(roleVariable); role != "" {
		do = func(ctx context.Context, arguments []string) error { return runRole(ctx, role, arguments) }
	}
	err := do(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", "", "measure only these `parts`, of "+strings.Join(names(), ", "))
	rounds := flags.Int("rounds", 5, "measure this number of `pairs`")
	out := flags.String("out", "", "write results.json and table.md to this `folder`")
	if err := flags.Parse(arguments); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	if *rounds < 1 {
		return fmt.Errorf("-rounds %d: at least one pair is required", *rounds)
	}
	b := &bench{rounds: *rounds}
	if b.dir, err = os.MkdirTemp("", "sbs-bench-"); err != nil {
		return fmt.Errorf("create a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	measured, err := b.measure(ctx, chosen)
	if err != nil {
		return err
	}
	fmt.Println()
	if err := measured.Plain(os.Stdout); err != nil {
		return err
	}
	return save(measured, *out)
}

// measure measures the chosen parts.
func (b *bench) measure(ctx context.Context, chosen []part) (measured result.Results, err error) {
	if b.docker, err = findDocker(ctx, b.dir); err != nil {
		return measured, err
	}
	if b.programs, err = harness.Build(ctx, b.dir); err != nil {
		return measured, err
	}
	if measured.Machine, err = b.machine(ctx); err != nil {
		return measured, err
	}
	commit, err := b.commit(ctx)
	if err != nil {
		return measured, err
	}
	for _, part := range chosen {
		began := time.Now()
		fmt.Fprintf(os.Stderr, "%s\n", part.name)
		found, err := part.measure(b, ctx)
		if err != nil {
			return measured, fmt.Errorf("measure %s: %w", part.name, err)
		}
		found.Name, found.Commit = part.name, commit
		found.Date, found.Took = time.Now().UTC().Format(time.DateOnly), time.Since(began).Round(time.Second).Seconds()
		measured.Parts = append(measured.Parts, found)
	}
	return measured, nil
}

// save merges the results into those in a folder, and writes the table there. It does
// nothing if folder is empty.
func save(measured result.Results, folder string) error {
	if folder == "" {
		return nil
	}
	path := filepath.Join(folder, "results.json")
	before, err := result.Load(path)
	if err != nil {
		return err
	}
	all, err := before.Merge(measured, names())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("create the folder of the results: %w", err)
	}
	if err := all.Save(path); err != nil {
		return err
	}
	var table strings.Builder
	if err := all.Markdown(&table); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "table.md"), []byte(table.String()), 0o644)
}

// choose returns the parts of a comma-separated list of names, and all parts for an empty
// list.
func choose(list string) ([]part, error) {
	if list == "" {
		return parts, nil
	}
	chosen := strings.Split(list, ",")
	for _, name := range chosen {
		if !slices.Contains(names(), name) {
			return nil, fmt.Errorf("-only %s: there is no part %q, only %s", list, name, strings.Join(names(), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return !slices.Contains(chosen, p.name) }), nil
}

// names returns the names of all parts.
func names() []string {
	var all []string
	for _, part := range parts {
		all = append(all, part.name)
	}
	return all
}

// logf prints progress.
func logf(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "  "+format+"\n", values...)
}
