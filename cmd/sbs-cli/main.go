package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/opensbs/sbs/client/config"
	"github.com/opensbs/sbs/envname"
)

// version is set by the linker; see package buildinfo.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, environ: os.Environ, now: time.Now}
	code := p.run(ctx, os.Args)
	stop()
	os.Exit(code)
}

// program holds the environment and the files that the commands use.
type program struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	environ        func() []string
	now            func() time.Time
}

// run runs one command line and returns the exit code.
func (p program) run(ctx context.Context, arguments []string) int {
	if !slices.Contains(arguments, "--generate-bash-completion") {
		p.warnOfNames()
	}
	err := p.app().RunContext(ctx, arguments)
	if err == nil {
		return exitDone
	}
	p.inform("sbs-cli: %v", err)
	if next := nextStep(err); next != "" {
		p.inform("next: %s", next)
	}
	return exitCode(err)
}

// inform prints a line for people on stderr.
func (p program) inform(format string, arguments ...any) {
	fmt.Fprintf(p.stderr, format+"\n", arguments...)
}

// envReadUser is the one variable that is not named after a secret one of the
// configuration.
const envReadUser = "SBS_DOCKER_RO_USER"

// warnOfNames warns of environment variables that were meant for sbs-cli and are not
// read: a secret in one of them is not there.
func (p program) warnOfNames() {
	for _, unknown := range envname.Find(p.environ(), append(config.EnvironmentNames(), envReadUser)) {
		if unknown.Nearest == "" {
			p.inform("warning: sbs-cli reads no environment variable %s", unknown.Name)
			continue
		}
		p.inform("warning: sbs-cli reads no environment variable %s; is %s meant?", unknown.Name, unknown.Nearest)
	}
}
