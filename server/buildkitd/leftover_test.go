package buildkitd

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// files makes files below a new folder.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range contents {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func left(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestContainersOfThisDaemonAreRemoved(t *testing.T) {
	dir := files(t, map[string]string{
		"a/state.json": `{"config": {"cgroups": {"path": "/own/buildkit/a"}}}`,
		"b/state.json": `{"config": {"cgroups": {"path": "/own2/buildkit/b"}}}`,
		"c/state.json": `{`,
	})
	if err := removeContainers(dir, "own"); err != nil {
		t.Error(err)
	}
	if got := left(t, dir); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("left are %v, want those of others", got)
	}
}

func TestResultsOfThisNetworkAreRemoved(t *testing.T) {
	dir := files(t, map[string]string{"own-1-eth1": "", "own-a-3-eth1": "", "cni-loopback-1-lo": "", "cni-loopback-2-lo": "", "other-2-eth0": ""})
	if err := removeResults(dir, "own"); err != nil {
		t.Error(err)
	}
	if got := left(t, dir); !slices.Equal(got, []string{"cni-loopback-2-lo", "other-2-eth0", "own-a-3-eth1"}) {
		t.Errorf("left are %v, want those of others", got)
	}
}
