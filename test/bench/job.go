// The whole job: from a commit to a signed image and a signed manifest.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/opensbs/sbs/deploy/harness/gitserver"
	"github.com/opensbs/sbs/test/bench/result"
)

// job is what is built, and what is hoped of it.
type job struct {
	name, what string
	goal       float64
	prepare    func(context.Context, *bench, *lab) (prepared, error)
}

// prepared is a job on one stack.
type prepared struct {
	files     func(round int) map[string]gitserver.File // of the commit that a pair builds
	arguments map[string]string                         // of the build
	remove    func(context.Context) error               // what was made outside of the stack; may be nil
}

var oneFile = job{
	name: "one-file", what: "whole job, image of one file", goal: 0.50,
	prepare: func(context.Context, *bench, *lab) (prepared, error) {
		return prepared{files: func(round int) map[string]gitserver.File {
			return files(map[string]string{"Dockerfile": "FROM scratch\nCOPY hello /hello\n", "hello": fmt.Sprintf("%d\n", round)})
		}}, nil
	},
}

// job measures a job by hand and by the server, each time on a new commit. Both
// have done it once before, so that their keys are there.
func (b *bench) job(ctx context.Context, j job) (part result.Part, err error) {
	l, err := b.start(ctx)
	if err != nil {
		return part, err
	}
	defer func() { err = errors.Join(err, l.close(ctx)) }()
	p, err := j.prepare(ctx, b, l)
	if err != nil {
		return part, err
	}
	if p.remove != nil {
		defer func() { err = errors.Join(err, p.remove(context.WithoutCancel(ctx))) }()
	}
	if _, err := gitserver.CreateRepository(ctx, l.GitRoot, j.name+".git", p.files(-1)); err != nil {
		return part, err
	}
	if err := l.configure(ctx, j.name, map[string]any{"ARG": p.arguments}); err != nil {
		return part, err
	}
	h, err := b.byHand(ctx, l, j.name, p.arguments)
	if err != nil {
		return part, err
	}
	defer func() { err = errors.Join(err, h.clear(ctx)) }()
	theirs := side{work: h.work, after: h.clear}
	ours := side{work: func(ctx context.Context) error { return l.build(ctx, j.name) }}
	if err := errors.Join(h.work(ctx), h.check(ctx), h.clear(ctx), ours.work(ctx)); err != nil {
		return part, err
	}
	commit := func(ctx context.Context, round int) error {
		_, err := gitserver.Commit(ctx, l.GitRoot, j.name+".git", gitserver.Change{Files: p.files(round)})
		return err
	}
	them, us, err := b.pairs(ctx, j.name, commit, theirs, ours)
	row := result.Row{What: j.what, Unit: "s", Beside: "by hand", Theirs: them, Ours: us, Goal: result.Ratio(j.goal)}
	return result.Part{Rows: []result.Row{row}}, err
}
