//go:build stack

package repositories

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/opensbs/sbs/test/harness"
	"github.com/opensbs/sbs/test/harness/loopback"
	"github.com/opensbs/sbs/test/kit"
)

// planted is a value in the server's environment, which no build may find.
const planted = "planted-9f1c27d3e5b84a60"

// environment is a stack whose server has a health port.
type environment struct {
	*kit.Environment
	health string // address of the server's health port
}

// shared is the stack that all tests use.
var shared *environment

func TestMain(m *testing.M) { kit.Main(m, start) }

func start(ctx context.Context, dir string, programs harness.Options) (stop func() error, err error) {
	port, err := loopback.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	health := net.JoinHostPort("127.0.0.1", port)
	programs.Dir = filepath.Join(dir, "stack")
	programs.ServerEnvironment = []string{"PLANTED=" + planted, "SBS_HEALTH_LISTEN=" + health}
	started, err := kit.Start(ctx, programs)
	if err != nil {
		return nil, err
	}
	started.Given["IMAGE_SIGNING"] = "simple" // the quickest
	shared = &environment{started, health}
	return func() error { return shared.Close(ctx) }, nil
}
