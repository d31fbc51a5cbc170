package main

// The part "log" measures how fast a client gets 100,000 lines that a Dockerfile prints,
// from the server and from docker build.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/opensbs/sbs/test/bench/result"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// BuildKit drops output of a command that prints too fast or too much: 100 KiB in its
// first second. Hence that many commands, which print that many short lines each.
const (
	printing     = 10
	printedLines = 10_000
)

const logName = "printing"

// printed matches a line that the Dockerfile printed, and not the command that prints it.
var printed = regexp.MustCompile(`@[0-9]{5}`)

// log measures the part "log".
func (b *bench) log(ctx context.Context) (part result.Part, err error) {
	env, err := b.start(ctx)
	if err != nil {
		return part, err
	}
	defer func() { err = errors.Join(err, env.close(ctx)) }()
	dockerfile := "FROM " + env.BaseImage + "\n" +
		strings.Repeat(fmt.Sprintf("RUN awk 'BEGIN { for (i = 0; i < %d; i++) printf \"@%%05d\\n\", i }'\n", printedLines), printing)
	if _, err := gitserver.CreateRepository(ctx, env.GitRoot, logName+".git", files(map[string]string{"Dockerfile": dockerfile})); err != nil {
		return part, err
	}
	if err := env.configure(ctx, logName, nil); err != nil {
		return part, err
	}
	h, err := b.byHand(ctx, env, logName, nil)
	if err != nil {
		return part, err
	}
	defer func() { err = errors.Join(err, h.cleanup(ctx)) }()
	if _, err := h.run(ctx, "git", "clone", "--quiet", env.Git.SSHURL(logName+".git"), "git"); err != nil {
		return part, err
	}

	var them, us []float64
	hand := func(ctx context.Context) error {
		took, err := timeLines(ctx, h.program, b.docker, "build", "--progress=plain", "--no-cache", filepath.Join(h.dir, "git"))
		them = append(them, took)
		return err
	}
	server := func(ctx context.Context) error {
		took, err := timeLines(ctx, env.user, env.cli, "build", "--env", logName+".json", "--follow")
		us = append(us, took)
		return err
	}
	if err := errors.Join(hand(ctx), server(ctx)); err != nil { // so that docker has pulled the base image
		return part, err
	}
	them, us = nil, nil
	if _, _, err := b.pairs(ctx, "log", nil, side{work: hand}, side{work: server}); err != nil {
		return part, err
	}
	rates := make([]float64, len(us))
	for i := range us {
		rates[i] = printing * printedLines / us[i]
	}
	part.Rows = []result.Row{
		{What: "100,000 lines of log, first to last at the client", Unit: "s", ComparedWith: "docker build", Theirs: them, Ours: us},
		{What: "100,000 lines of log, lines a second", Unit: "1/s", Ours: rates},
	}
	return part, nil
}

// lines is a writer that counts printed lines, and the times of the first and the last.
type lines struct {
	rest        []byte // of an incomplete line
	count       int
	first, last time.Time
}

func (s *lines) Write(text []byte) (int, error) {
	now := time.Now()
	s.rest = append(s.rest, text...)
	for {
		line, rest, complete := bytes.Cut(s.rest, []byte("\n"))
		if !complete {
			return len(text), nil
		}
		if printed.Match(line) {
			if s.count == 0 {
				s.first = now
			}
			s.count, s.last = s.count+1, now
		}
		s.rest = rest
	}
}

// timeLines runs a program that prints all lines, and returns the time from the first
// line to the last in s.
func timeLines(ctx context.Context, p program, name string, arguments ...string) (float64, error) {
	var seen lines
	p.output = &seen
	if _, err := p.run(ctx, name, arguments...); err != nil {
		return 0, err
	}
	if seen.count != printing*printedLines {
		return 0, fmt.Errorf("%s printed %d lines of %d", filepath.Base(name), seen.count, printing*printedLines)
	}
	return seen.last.Sub(seen.first).Seconds(), nil
}
