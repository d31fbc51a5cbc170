package main

// The jobs are measured from a commit to a signed image and a signed manifest.

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/opensbs/sbs/test/bench/result"
	"github.com/opensbs/sbs/test/bench/tree"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// job is a repository that is built, and the goal of its measurement.
type job struct {
	name, what string
	goal       float64 // ratio of the times
	prepare    func(context.Context, *bench, *environment) (prepared, error)
}

// prepared is a job that is prepared on a stack.
type prepared struct {
	files     map[string]gitserver.File   // of the first commit
	changing  string                      // the file that each further commit changes
	arguments map[string]string           // build arguments
	remove    func(context.Context) error // removes what was created outside of the stack; may be nil
}

var oneFile = job{
	name: "one-file", what: "whole job, image of one file", goal: 0.50,
	prepare: func(context.Context, *bench, *environment) (prepared, error) {
		content := map[string]string{"Dockerfile": "FROM scratch\nCOPY hello /hello\n", "hello": "hello\n"}
		return prepared{files: files(content), changing: "hello"}, nil
	},
}

// large is a repository of many services, of which one is in the image: 270 files of
// 1 MB and 19,730 texts of 1.5 kB.
var large = job{
	name: "large", what: "whole job, repository of 300 MB in 20,000 files", goal: 0.80,
	prepare: func(_ context.Context, _ *bench, env *environment) (prepared, error) {
		content, err := largeTree(env.dir)
		return prepared{files: content, changing: "service/changed"}, err
	},
}

// largeTree returns the files of the large repository. It writes the large ones to a
// folder below dir.
func largeTree(dir string) (map[string]gitserver.File, error) {
	random, err := os.MkdirTemp(dir, "random")
	if err != nil {
		return nil, err
	}
	content, err := tree.Mixed(random, 270, 19_730)
	if err != nil {
		return nil, err
	}
	content["Dockerfile"] = gitserver.File{Content: "FROM scratch\nCOPY service /service\n"}
	return content, nil
}

// job measures a job by hand and by the server, each time with a new commit. Both have
// done it once before, so that their keys exist.
func (b *bench) job(ctx context.Context, j job) (part result.Part, err error) {
	env, err := b.start(ctx)
	if err != nil {
		return part, err
	}
	defer func() { err = errors.Join(err, env.close(ctx)) }()
	p, err := j.prepare(ctx, b, env)
	if err != nil {
		return part, err
	}
	if p.remove != nil {
		defer func() { err = errors.Join(err, p.remove(context.WithoutCancel(ctx))) }()
	}
	if _, err := gitserver.CreateRepository(ctx, env.GitRoot, j.name+".git", p.files); err != nil {
		return part, err
	}
	if err := env.configure(ctx, j.name, map[string]any{"ARG": p.arguments}); err != nil {
		return part, err
	}
	h, err := b.byHand(ctx, env, j.name, p.arguments)
	if err != nil {
		return part, err
	}
	defer func() { err = errors.Join(err, h.cleanup(ctx)) }()
	theirs := side{work: h.work, after: h.cleanup}
	ours := side{work: func(ctx context.Context) error { return env.build(ctx, j.name) }}
	if err := errors.Join(h.work(ctx), h.check(ctx), h.cleanup(ctx), ours.work(ctx)); err != nil {
		return part, err
	}
	commit := func(ctx context.Context, round int) error {
		return tree.Change(ctx, env.GitRoot, j.name+".git", p.changing, fmt.Sprintf("changed %d\n", round))
	}
	them, us, err := b.pairs(ctx, j.name, commit, theirs, ours)
	row := result.Row{What: j.what, Unit: "s", ComparedWith: "by hand", Theirs: them, Ours: us, Goal: result.Ratio(j.goal)}
	return result.Part{Rows: []result.Row{row}}, err
}
