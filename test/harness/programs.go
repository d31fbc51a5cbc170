package harness

// Tests on the stack run the programs of this source tree.

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// module is the module whose programs run in the stack.
const module = "github.com/opensbs/sbs"

// programsVariable names the folder into which make has just built the programs:
// to link them takes seconds, and a dozen tests start a stack of their own.
const programsVariable = "TEST_PROGRAMS"

// Build compiles sbs-server and sbs-cli into dir and returns Options that name
// them. It runs the go command and must be called inside the module. It returns the
// programs in the folder that programsVariable names, if it is set.
func Build(ctx context.Context, dir string) (Options, error) {
	if built := os.Getenv(programsVariable); built != "" {
		return programsIn(built), nil
	}
	command := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", dir+string(filepath.Separator),
		module+"/cmd/sbs-server", module+"/cmd/sbs-cli")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return Options{}, fmt.Errorf("build the programs: %w\n%s", err, bytes.TrimSpace(output))
	}
	return programsIn(dir), nil
}

func programsIn(dir string) Options {
	return Options{
		ServerBinary: filepath.Join(dir, "sbs-server"),
		ClientBinary: filepath.Join(dir, "sbs-cli"),
	}
}
