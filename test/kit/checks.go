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

// Eventually waits for a condition that another process brings about.
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

// Reach waits until a gate holds something.
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

// Holding makes a gate hold what a client sends with marker in it, until the end
// of the test at the latest. It returns a function that waits for that.
func HoldAtGate(t testing.TB, g *gate.Gate, marker string) (reached func()) {
	t.Helper()
	held := g.Hold(marker)
	t.Cleanup(g.Release)
	return func() { t.Helper(); AwaitClosed(t, "the gate to "+g.Target()+" holds "+marker, held) }
}

// ReleaseAll lets go of whatever is held.
func (gates Gates) ReleaseAll() {
	for _, g := range []*gate.Gate{gates.Engine, gates.Git, gates.Registry, gates.Notary} {
		if g != nil {
			g.Release()
		}
	}
}

// NothingLeft fails when an image or a container of a repository is left in the
// engine, or a file in the server's scratch space.
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

// NoScratch fails when a file is left in the server's scratch space.
func (env *Environment) NoScratchFiles(t testing.TB) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(env.Server.Volume(), "work"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Errorf("%s is left in the scratch space", entry.Name())
	}
}

// Images returns the names by which the engine knows images of a repository.
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
