package buildkitd

// What the programs that the daemon runs keep outside of its folders. It is left when
// the daemon is killed.

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	runcState     = "/run/runc"            // a folder for each container (runc(8), --root)
	pluginResults = "/var/lib/cni/results" // a file for each interface (libcni)
)

// removeContainers removes runc's state of the containers in a cgroup, whose
// processes have ended.
func removeContainers(dir, group string) error {
	states, err := filepath.Glob(filepath.Join(dir, "*", "state.json"))
	if err != nil {
		return err
	}
	var failed error
	for _, path := range states {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // of another daemon, and gone
		}
		var state struct {
			Config struct {
				Cgroups struct{ Path string }
			}
		}
		// Another daemon's container is none of ours, whatever its state is.
		if json.Unmarshal(text, &state) == nil && strings.HasPrefix(state.Config.Cgroups.Path, "/"+group+"/") {
			failed = errors.Join(failed, os.RemoveAll(filepath.Dir(path)))
		}
	}
	return failed
}

// removeResults removes what the CNI library keeps of a network's interfaces, and of
// the loopback interfaces of the same containers.
func removeResults(dir, network string) error {
	results, err := filepath.Glob(filepath.Join(dir, network+"-*"))
	if err != nil {
		return err
	}
	var failed error
	for _, path := range results {
		name := strings.Split(strings.TrimPrefix(filepath.Base(path), network+"-"), "-") // container and interface
		if len(name) != 2 {
			continue // of a network whose name begins like this one's
		}
		for _, name := range []string{path, filepath.Join(dir, "cni-loopback-"+name[0]+"-lo")} {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				failed = errors.Join(failed, err)
			}
		}
	}
	return failed
}
