//go:build stack

// What must be true around a build server, seen from outside: nothing is left
// behind, and no secret is shown.
package e2e

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
)

// eventually waits for a condition that another process brings about.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// reach waits until a gate holds something.
func reach(t testing.TB, what string, reached <-chan struct{}) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-reached:
	case <-timer.C:
		t.Fatalf("waited in vain until %s", what)
	}
}

// nothingLeft fails when an image or a container of a repository is left in the
// engine, or a file in the server's scratch space.
func (env *environment) nothingLeft(t testing.TB, repository string) {
	t.Helper()
	for _, name := range env.images(t, repository) {
		t.Errorf("image %s is left in the engine", name)
	}
	containers, err := env.docker.ContainerList(t.Context(), container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range containers {
		if strings.HasPrefix(found.Image, repository) {
			t.Errorf("container %s of %s is left in the engine", found.ID, found.Image)
		}
	}
	env.noWork(t)
}

func (env *environment) noWork(t testing.TB) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(env.Server.Volume(), "work"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Errorf("%s is left in the scratch space", entry.Name())
	}
}

// images are the names by which the engine knows images of a repository.
func (env *environment) images(t testing.TB, repository string) []string {
	t.Helper()
	// A test's cleaning up asks too, when the test's context has ended.
	all, err := env.docker.ImageList(context.WithoutCancel(t.Context()), image.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, found := range all {
		for _, name := range append(found.RepoTags, found.RepoDigests...) {
			if strings.HasPrefix(name, repository+":") || strings.HasPrefix(name, repository+"@") {
				names = append(names, name)
			}
		}
	}
	return names
}

// read reads a file.
func read(t testing.TB, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// secret is a text that nobody may see.
type secret struct{ name, text string }

type secrets []secret

// secrets are those of the parameters that were given, and of the changes.
func (env *environment) secrets(changes map[string]any) secrets {
	var found secrets
	for _, given := range []map[string]any{env.given, changes} {
		for key, value := range given {
			if text, ok := value.(string); ok && text != "" && isSecret(key) {
				found = append(found, secret{key, text})
			}
		}
	}
	return found
}

func isSecret(key string) bool {
	for _, part := range []string{"PASSWORD", "SECRET", "TOKEN", "API_KEY_ID"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return key == "GITHUB_KEY"
}

// hidden fails for each secret that can be found in a text: in clear, line by
// line, as base64 or as hex.
func (s secrets) hidden(t testing.TB, where, text string) {
	t.Helper()
	for _, secret := range s {
		for form, shown := range forms(secret.text) {
			if strings.Contains(text, shown) {
				t.Errorf("%s shows the secret %s %s", where, secret.name, form)
			}
		}
	}
}

func forms(secret string) map[string]string {
	found := map[string]string{
		"in clear":  strings.TrimSpace(secret),
		"as base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		"as hex":    hex.EncodeToString([]byte(secret)),
	}
	for i, line := range strings.Split(strings.TrimSpace(secret), "\n") {
		if !strings.HasPrefix(line, "-----") {
			found[fmt.Sprintf("in line %d", i+1)] = line
		}
	}
	return found
}

// hiddenEverywhere looks for secrets in all that the server wrote: its own log,
// and every file on its volume but for the sealed ones and the archives, whose
// content is in clear beside them.
func (env *environment) hiddenEverywhere(t testing.TB, s secrets) {
	t.Helper()
	log, err := os.ReadFile(env.Server.Log())
	if err != nil {
		t.Fatal(err)
	}
	s.hidden(t, "the server's log", string(log))
	err = filepath.WalkDir(env.Server.Volume(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s.hidden(t, path, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
