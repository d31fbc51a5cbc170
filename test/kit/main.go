//go:build stack

package kit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/opensbs/sbs/test/harness"
)

// Main builds the programs under test into a temporary folder, calls start with
// both, runs the tests of the package, calls stop, removes the folder and exits
// with the tests' exit code.
func Main(m *testing.M, start func(ctx context.Context, dir string, programs harness.Options) (stop func() error, err error)) {
	code, err := runTests(m, start)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func runTests(m *testing.M, start func(context.Context, string, harness.Options) (func() error, error)) (code int, err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "stacktest")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	programs, err := harness.Build(ctx, dir)
	if err != nil {
		return 1, err
	}
	stop, err := start(ctx, dir, programs)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return m.Run(), nil
}
