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

// Main runs the tests of a package over what start starts, and ends the program.
// start gets a folder that is removed at the end, and the programs under test,
// which were built in it; stop is called when the tests have run.
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
