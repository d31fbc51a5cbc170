//go:build stack

// The server as a process, on this volume or another one, and other programs.
package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/kit"
)

// kill ends the server with SIGKILL and reaps it.
func (env *environment) kill(t testing.TB) {
	t.Helper()
	if err := env.Server.Kill(); err != nil {
		t.Fatal(err)
	}
	env.Client.Close()
}

// restart starts the server on its volume. That it starts is part of the test.
func (env *environment) restart(t testing.TB) {
	t.Helper()
	if err := env.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// elsewhere gives the server a new volume, and its own one back at the end.
func (env *environment) elsewhere(t testing.TB) {
	t.Helper()
	volume := env.Server.Volume()
	standing := volume + ".standing"
	env.kill(t)
	if err := os.Rename(volume, standing); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(volume, 0o700); err != nil {
		t.Fatal(err)
	}
	env.restart(t)
	t.Cleanup(func() {
		env.kill(t)
		if err := errors.Join(os.RemoveAll(volume), os.Rename(standing, volume)); err != nil {
			t.Fatal(err)
		}
		if err := env.Server.Restart(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	})
}

// run runs a program in the user's folder.
func run(ctx context.Context, environment []string, program string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, kit.Timeout)
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	command.Env = append(os.Environ(), environment...)
	command.WaitDelay = time.Second
	var out, messages bytes.Buffer
	command.Stdout, command.Stderr = &out, &messages
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(program), errors.Join(err, ctx.Err()), messages.String())
	}
	return out.String(), nil
}
