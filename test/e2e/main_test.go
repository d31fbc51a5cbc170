//go:build stack

package e2e

import (
	"context"
	"testing"

	"github.com/opensbs/sbs/test/harness"
	"github.com/opensbs/sbs/test/kit"
)

// programs are the ones under test, built once.
var programs harness.Options

// shared is the stack of all tests that don't need one of their own.
var shared *environment

func TestMain(m *testing.M) {
	kit.Run(m, func(ctx context.Context, dir string, built harness.Options) (stop func() error, err error) {
		programs = built
		if shared, err = startEnvironment(ctx, dir, programs); err != nil {
			return nil, err
		}
		return shared.close, nil
	})
}

// fresh is a stack whose server has seen nothing yet.
func fresh(t testing.TB) *environment {
	t.Helper()
	env, err := startEnvironment(t.Context(), t.TempDir(), programs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.close(); err != nil {
			t.Error(err)
		}
	})
	return env
}
