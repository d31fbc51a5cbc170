//go:build stack

package kit

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"github.com/opensbs/sbs/test/gate"
)

// Eventually polls a condition on another process until it is true.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("timeout while waiting until %s", what)
		}
	}
}

// AwaitClosed waits until a channel is closed, such as that of a gate which holds
// a request. what describes that in the error.
func AwaitClosed(t testing.TB, what string, reached <-chan struct{}) {
	t.Helper()
	timer := time.NewTimer(Timeout)
	defer timer.Stop()
	select {
	case <-reached:
	case <-timer.C:
		t.Fatalf("timeout while waiting until %s", what)
	}
}

// HoldAtGate makes a gate hold client data that contains marker, until the test
// ends at the latest. It returns a function that waits until the gate holds some.
func HoldAtGate(t testing.TB, g *gate.Gate, marker string) (reached func()) {
	t.Helper()
	held := g.Hold(marker)
	t.Cleanup(g.Release)
	return func() { t.Helper(); AwaitClosed(t, "the gate to "+g.Target()+" holds "+marker, held) }
}

// ReleaseAll releases the held data of every gate.
func (gates Gates) ReleaseAll() {
	for _, g := range []*gate.Gate{gates.Engine, gates.Git, gates.Registry, gates.Notary} {
		if g != nil {
			g.Release()
		}
	}
}

// NothingLeft fails the test if the engine still has an image or a container of
// the repository, or the server's scratch folder a file.
func (env *Environment) NothingLeft(t testing.TB, repository string) {
	t.Helper()
	for _, name := range env.Images(t, repository) {
		t.Errorf("image %s is left in the engine", name)
	}
	containers, err := env.Docker.ContainerList(t.Context(), container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range containers {
		if strings.HasPrefix(found.Image, repository) {
			t.Errorf("container %s of %s is left in the engine", found.ID, found.Image)
		}
	}
	env.NoScratchFiles(t)
}

// NoScratchFiles fails the test if the server's scratch folder has a file.
func (env *Environment) NoScratchFiles(t testing.TB) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(env.Server.Volume(), "work"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Errorf("%s is left in the scratch folder", entry.Name())
	}
}

// Images returns the tags and digests of a repository's images in the engine.
func (env *Environment) Images(t testing.TB, repository string) []string {
	t.Helper()
	// A test's cleanup calls this too, when the test's context has ended.
	all, err := env.Docker.ImageList(context.WithoutCancel(t.Context()), image.ListOptions{All: true})
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
