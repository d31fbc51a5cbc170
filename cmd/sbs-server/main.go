// Command sbs-server is the Secure Build Server. It reads its environment,
// chooses the enclave, and serves until SIGINT or SIGTERM. docs/server.md lists
// the environment values.
//
//	sbs-server                                serve
//	sbs-server check                          check the settings and print them
//	sbs-server keygen DIR [PREVIOUS]          make the secrets of a server image
//	sbs-server simulate-enclave DIR           make the secrets of a simulated enclave
//	sbs-server forget-trust-data NOTARY GUN   let go of trust data that is lost
//	sbs-server health                         request the health of the running server
//	sbs-server version                        print the version
//
// It also starts itself for tasks that are confined, see confined.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/opensbs/sbs/buildinfo"
	"github.com/opensbs/sbs/server/process"
)

// version is set by the linker; without that, it is what package buildinfo finds.
var version string

func init() { version = buildinfo.Version(version) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := dispatch(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sbs-server:", err)
		os.Exit(process.ExitCode(err))
	}
}

func dispatch(ctx context.Context, arguments []string) error {
	switch {
	case len(arguments) == 0:
		if err := checkNames(os.Environ()); err != nil {
			return err
		}
		return serve(ctx, os.Getenv, os.Stdout, os.Stderr)
	case arguments[0] == "check" && len(arguments) == 1:
		if err := checkNames(os.Environ()); err != nil {
			return err
		}
		return checkSettings(os.Getenv, os.Stdout)
	case arguments[0] == "health" && len(arguments) == 1:
		return askHealth(ctx, os.Getenv)
	case (arguments[0] == "version" || arguments[0] == "--version") && len(arguments) == 1:
		fmt.Println("sbs-server", version)
		return nil
	case arguments[0] == "keygen" && len(arguments) == 2:
		return keygen(os.Stdout, arguments[1], "")
	case arguments[0] == "keygen" && len(arguments) == 3:
		return keygen(os.Stdout, arguments[1], arguments[2])
	case arguments[0] == "simulate-enclave" && len(arguments) == 2:
		return simulateEnclave(arguments[1])
	case arguments[0] == process.Argument:
		return process.Main(arguments[1:], confinedTasks(ctx))
	case arguments[0] == "forget-trust-data" && len(arguments) == 3:
		return forgetTrustData(ctx, os.Getenv, arguments[1], arguments[2])
	}
	return errors.New("usage: sbs-server [check | keygen DIR [PREVIOUS] | simulate-enclave DIR | forget-trust-data NOTARY GUN | health | version]")
}
