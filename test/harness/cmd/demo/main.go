// Command demo runs the whole procedure once, on a local stack of its own: it runs
// the guide's commands, shows their output, and then verifies the result with
// Docker, tar and openssl. It exits with 1 at the first step that fails.
//
//	demo --server bin/sbs-server --cli bin/sbs-cli
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/opensbs/sbs/server/process"
	"github.com/opensbs/sbs/test/harness"
)

// stepLimit bounds each command of the demo.
const stepLimit = time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	var options harness.Options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.StringVar(&options.ServerBinary, "server", "bin/sbs-server", "`path` of the server's program")
	flags.StringVar(&options.ClientBinary, "cli", "bin/sbs-cli", "`path` of the client's program")
	if err := flags.Parse(arguments); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sbs-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the stack: %w", err)
	}
	options.Dir = dir
	if err := perform(ctx, options); err != nil {
		return fmt.Errorf("%w\nthe stack's folder, with its logs, is kept: %s", err, dir)
	}
	return os.RemoveAll(dir)
}

// perform starts the stack, runs the steps and stops the stack.
func perform(ctx context.Context, options harness.Options) (err error) {
	began := time.Now()
	fmt.Println("Starting registry, notary server, vendor, git server, object store and build server on loopback.")
	stack, err := harness.Start(ctx, options)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, stack.Close(context.WithoutCancel(ctx)))
	}()
	fmt.Printf("Ready after %.1f s in %s\n", time.Since(began).Seconds(), stack.Dir())

	environment, err := prepare(stack, options.ClientBinary)
	if err != nil {
		return err
	}
	steps := script(stack)
	for i, step := range steps {
		fmt.Printf("\n== %d/%d  %s\n   %s\n\n", i+1, len(steps), step.title, strings.ReplaceAll(step.why, "\n", "\n   "))
		if err := step.perform(ctx, stack.Dir(), environment); err != nil {
			return fmt.Errorf("step %d, %q, failed: %w", i+1, step.title, err)
		}
	}
	fmt.Printf("\nDone in %.1f s: the base image was verified and the source cloned, built, pushed, signed and recorded;\n"+
		"docker accepts the signed image, tar and openssl the manifest, and sbs-cli verify all of it.\n", time.Since(began).Seconds())
	return nil
}

// step is one action of a user, with an explanation.
type step struct {
	title, why string
	commands   string // for sh
}

// perform shows the step's commands and runs them.
func (s step) perform(ctx context.Context, dir string, environment []string) error {
	for line := range strings.Lines(s.commands) {
		fmt.Printf("$ %s", line)
	}
	fmt.Println()
	ctx, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	command := exec.Command("sh", "-euc", s.commands)
	command.Dir, command.Env = dir, environment
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	shell, err := process.Start("the command", command)
	if err != nil {
		return err
	}
	select {
	case <-shell.Done():
		return shell.Err()
	case <-ctx.Done():
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		return errors.Join(ctx.Err(), shell.Stop(stopping))
	}
}

// prepare writes a configuration of docker for this stack, and returns the
// environment in which the steps run.
func prepare(stack *harness.Stack, cli string) ([]string, error) {
	docker := filepath.Join(stack.Dir(), "docker")
	if err := writeDockerConfig(docker, stack); err != nil {
		return nil, fmt.Errorf("write docker's configuration: %w", err)
	}
	cli, err := filepath.Abs(cli)
	if err != nil {
		return nil, fmt.Errorf("find the client's program: %w", err)
	}
	if err := link(cli, filepath.Join(stack.Dir(), "bin", "sbs-cli")); err != nil {
		return nil, err
	}
	return append(os.Environ(),
		"PATH="+filepath.Join(stack.Dir(), "bin")+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"DOCKER_CONFIG="+docker,
		"DOCKER_CONTENT_TRUST_SERVER="+stack.Notary.URL(),
	), nil
}

func link(target, name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("make a folder for the client's program: %w", err)
	}
	if err := os.Symlink(target, name); err != nil {
		return fmt.Errorf("put the client's program into PATH: %w", err)
	}
	return nil
}
