//go:build stack

package harness

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// With each sample of parameters the vendor's image is verified, and the build log
// has the method and the key. With the key of someone else the build fails.
func TestSignedBases(t *testing.T) {
	options := programs
	options.Dir = t.TempDir()
	stack, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stack.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	cli := func(arguments ...string) (string, error) {
		command := exec.CommandContext(t.Context(), programs.ClientBinary, arguments...)
		command.Dir = stack.Dir()
		output, err := command.CombinedOutput()
		return string(output), err
	}
	var samples map[string]map[string]any
	read(t, stack.dir.path(baseSamplesName), &samples)
	if output, err := cli("init", "--env", signedBaseName); err != nil {
		t.Fatalf("init: %v\n%s", err, output)
	}
	build := func(t *testing.T, values map[string]any) (string, error) {
		t.Helper()
		var filled map[string]any
		read(t, stack.dir.path(configName), &filled)
		for key, value := range values {
			filled[key] = value
		}
		text, err := json.Marshal(filled)
		if err != nil {
			t.Fatal(err)
		}
		if err := stack.dir.write("sample.json", text); err != nil {
			t.Fatal(err)
		}
		if output, err := cli("update", "--env", "sample.json"); err != nil {
			t.Fatalf("update: %v\n%s", err, output)
		}
		output, err := cli("build", "--env", "sample.json", "--follow")
		return output, err
	}
	for parameter, method := range map[string]string{
		"BASE_IMAGE_POLICY":         "sigstore",
		"BASE_IMAGE_SIGSTORE_KEY":   "sigstore",
		"ICR_BASE_REPO":             "simple",
		"DOCKER_CONTENT_TRUST_BASE": "dct",
	} {
		t.Run(parameter, func(t *testing.T) {
			output, err := build(t, samples[parameter])
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			for _, base := range stack.Vendor.Bases {
				line := "verified the base image " + base.Image + ": " + base.Digest + ", " + base.Method + ", key " + base.KeyID
				if want := base.Method == method; strings.Contains(output, line) != want {
					t.Errorf("the log has %q: %t, want %t:\n%s", line, !want, want, output)
				}
			}
		})
	}
	t.Run("another key", func(t *testing.T) {
		key, err := os.ReadFile(filepath.Join("..", "..", "signature", "simple", "testdata", "gpg.asc"))
		if err != nil {
			t.Fatal(err)
		}
		if err := stack.dir.write("other.asc", key); err != nil {
			t.Fatal(err)
		}
		samples["ICR_BASE_REPO"]["ICR_BASE_REPO_PUBLIC_KEY"] = stack.dir.path("other.asc")
		output, err := build(t, samples["ICR_BASE_REPO"])
		if err == nil || !strings.Contains(output, "it is signed, but not with the key") {
			t.Errorf("%v\n%s", err, output)
		}
	})
}
