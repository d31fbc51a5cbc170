// Whoever tests on the stack tests the programs of this source tree, not ones
// that lie around in a bin folder.
package harness

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

// Build compiles sbs-server and sbs-cli into dir and returns Options that name
// them. It runs the go command and must be called inside the module.
func Build(ctx context.Context, dir string) (Options, error) {
	command := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator),
		module+"/cmd/sbs-server", module+"/cmd/sbs-cli")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return Options{}, fmt.Errorf("build the programs: %w\n%s", err, bytes.TrimSpace(output))
	}
	return Options{
		ServerBinary: filepath.Join(dir, "sbs-server"),
		ClientBinary: filepath.Join(dir, "sbs-cli"),
	}, nil
}
