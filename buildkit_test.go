package sbs

import (
	"os"
	"regexp"
	"testing"
)

// The server's client library and the daemon that it starts are of one version of
// BuildKit: its API and the bytes that it makes are only tested for equal ones.
func TestOneVersionOfBuildKit(t *testing.T) {
	required := regexp.MustCompile(`(?m)^(?:require )?\s*github\.com/moby/buildkit (v\S+)`)
	var versions []string
	for _, name := range []string{"go.mod", "tools/buildkitd/go.mod"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		match := required.FindSubmatch(text)
		if match == nil {
			t.Fatalf("%s does not require github.com/moby/buildkit", name)
		}
		versions = append(versions, string(match[1]))
	}
	if versions[0] != versions[1] {
		t.Errorf("go.mod requires BuildKit %s, tools/buildkitd/go.mod %s: run go get github.com/moby/buildkit@%s in tools/buildkitd", versions[0], versions[1], versions[0])
	}
}
