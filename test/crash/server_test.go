//go:build stack

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

// kill ends the server with SIGKILL and waits for its end.
func (env *environment) kill(t testing.TB) {
	t.Helper()
	if err := env.Server.Kill(); err != nil {
		t.Fatal(err)
	}
	env.Client.Close()
}

// restart starts the server on its volume. It must start after every kill.
func (env *environment) restart(t testing.TB) {
	t.Helper()
	if err := env.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// useNewVolume restarts the server with a new volume until the test ends.
func (env *environment) useNewVolume(t testing.TB) {
	t.Helper()
	volume := env.Server.Volume()
	original := volume + ".original"
	env.kill(t)
	if err := os.Rename(volume, original); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(volume, 0o700); err != nil {
		t.Fatal(err)
	}
	env.restart(t)
	t.Cleanup(func() {
		env.kill(t)
		if err := errors.Join(os.RemoveAll(volume), os.Rename(original, volume)); err != nil {
			t.Fatal(err)
		}
		if err := env.Server.Restart(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	})
}

// run runs a program in the user's folder and returns its standard output.
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
