//go:build stack

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/opensbs/sbs/deploy/harness"
)

// programs are the ones under test, built once.
var programs harness.Options

// shared is the stack of all tests that don't need one of their own.
var shared *lab

func TestMain(m *testing.M) {
	code, err := withLab(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func withLab(m *testing.M) (code int, err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if programs, err = harness.Build(ctx, dir); err != nil {
		return 1, err
	}
	if shared, err = startLab(ctx, dir, programs); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.close()) }()
	return m.Run(), nil
}

// fresh is a stack whose server has seen nothing yet.
func fresh(t testing.TB) *lab {
	t.Helper()
	l, err := startLab(t.Context(), t.TempDir(), programs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
	return l
}
