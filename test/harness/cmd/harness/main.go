// Command harness runs the local stack in a folder until it gets SIGINT or SIGTERM,
// for anyone who wants to try a client by hand.
//
//	harness --dir DIR --server bin/sbs-server --cli bin/sbs-cli
//	harness --dir DIR --server bin/sbs-server --cli bin/sbs-cli --parts-only --port 9443
//
// The second form runs no server: that runs in another container (compose.yaml).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/opensbs/sbs/test/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "harness:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	var options harness.Options
	flags := flag.NewFlagSet("harness", flag.ContinueOnError)
	flags.StringVar(&options.Dir, "dir", "", "`folder` of the stack: a new one, an empty one, or an earlier stack's")
	flags.StringVar(&options.ServerBinary, "server", "bin/sbs-server", "`path` of the server's program")
	flags.StringVar(&options.ClientBinary, "cli", "bin/sbs-cli", "`path` of the client's program")
	flags.StringVar(&options.Port, "port", "", "the server's `port`; a free one unless given")
	flags.BoolVar(&options.PartsOnly, "parts-only", false, "start all but the server, and write its environment to server.env")
	if err := flags.Parse(arguments); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if options.Dir == "" {
		return errors.New("name the stack's folder: --dir DIR")
	}

	client, err := filepath.Abs(options.ClientBinary)
	if err != nil {
		return fmt.Errorf("find the client's program: %w", err)
	}

	fmt.Fprintln(out, "Starting the local stack; stop it with Ctrl-C.")
	stack, err := harness.Start(ctx, options)
	if err != nil && ctx.Err() != nil {
		return nil // stopped during the start, which has stopped the parts again
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `Ready.
  server    %s
  registry  %s
  notary    %s
  git       %s
  store     %s
  all addresses in %[6]s/stack.json
  signed base images, and how to require them, in %[6]s/base-images.json

Try it from another terminal:
  cd %[6]s
  %[7]s status --env sbs-config.json
`, stack.Server.URL(), stack.Registry.Address(), stack.Notary.URL(),
		stack.Git.SSHURL(""), stack.ObjectStore.Endpoint(), stack.Dir(), client)

	select {
	case <-ctx.Done():
		fmt.Fprintln(out, "Stopping.")
	case <-stack.Server.Done():
		err = fmt.Errorf("the server ended by itself: see %s", stack.Server.Log())
	}
	return errors.Join(err, stack.Close(context.WithoutCancel(ctx)))
}
