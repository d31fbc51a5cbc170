package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// version is set by the linker; see package buildinfo.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: time.Now}
	code := p.run(ctx, os.Args)
	stop()
	os.Exit(code)
}

// program is what the commands see of the machine they run on.
type program struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
}

// run runs one command line and returns the exit code.
func (p program) run(ctx context.Context, arguments []string) int {
	err := p.app().RunContext(ctx, arguments)
	if err == nil {
		return exitDone
	}
	p.say("sbs-cli: %v", err)
	if next := nextStep(err); next != "" {
		p.say("next: %s", next)
	}
	return exitCode(err)
}

// say prints a line for people on stderr.
func (p program) say(format string, arguments ...any) {
	fmt.Fprintf(p.stderr, format+"\n", arguments...)
}
