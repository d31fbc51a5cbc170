//go:build stack

package e2e

// Most tests share one stack, because the start of a stack takes longer than most
// tests. A test reverts its changes to the shared stack.

import (
	"context"
	"os"
	"testing"

	"github.com/opensbs/sbs/test/harness"
	"github.com/opensbs/sbs/test/kit"
)

// environment is a running stack whose server reaches its dependencies through
// gates.
type environment struct{ *kit.Environment }

// programs are the programs under test, built once.
var programs harness.Options

// shared is the stack of the tests that need none of their own.
var shared *environment

func TestMain(m *testing.M) {
	kit.Main(m, func(ctx context.Context, dir string, built harness.Options) (stop func() error, err error) {
		programs = built
		if shared, err = startEnvironment(ctx, dir, programs); err != nil {
			return nil, err
		}
		return func() error { return shared.Close(ctx) }, nil
	})
}

// startEnvironment starts a stack in a new folder under dir.
func startEnvironment(ctx context.Context, dir string, options harness.Options) (env *environment, err error) {
	if options.Dir, err = os.MkdirTemp(dir, "stack"); err != nil {
		return nil, err
	}
	started, err := kit.StartWithGates(ctx, options)
	if err != nil {
		return nil, err
	}
	return &environment{started}, nil
}

// fresh starts a stack whose server has no parameters yet.
func fresh(t testing.TB) *environment {
	t.Helper()
	return freshWith(t, programs)
}

// freshWith is fresh with other options.
func freshWith(t testing.TB, options harness.Options) *environment {
	t.Helper()
	env, err := startEnvironment(t.Context(), t.TempDir(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return env
}
