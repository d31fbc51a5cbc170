//go:build stack

package e2e

// The steps in which a test can hold a build, for the tests of clean and restart.

import (
	"crypto/rand"
	"encoding/hex"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

// step is a step in which a build can be held.
type step struct {
	name string
	done string // the status during the step: that of the last finished one

	// hold prepares a repository of that name whose build stops in the step. reached
	// waits until it has.
	hold func(t testing.TB, name string) (reached func())

	// command is the failed command that a restarted server reports from the record,
	// with placeholders in braces.
	command string
}

// steps returns all steps of the pipeline. Two have two points to hold a build.
func (env *environment) steps() []step {
	return []step{{
		name: "cleaned up",
		hold: func(t testing.TB, name string) func() {
			env.prepare(t, name, hello, nil)
			return kit.HoldAtGate(t, env.Gates.Engine, "/images/json")
		},
		command: "docker image rm --force {image}",
	}, {
		name: "github cloned",
		done: api.StatusCleanedUp,
		hold: func(t testing.TB, name string) func() {
			env.prepare(t, name, hello, nil)
			return kit.HoldAtGate(t, env.Gates.Git, "")
		},
		command: "git clone {url}",
	}, {
		name: "bases verified",
		done: api.StatusGitHubCloned,
		hold: func(t testing.TB, name string) func() {
			base := strings.Replace(env.BaseImage, env.Registry.Address(), env.Gates.Registry.Address(), 1)
			rule := map[string]any{"image": "**", "method": api.BaseDigest, "key": "sha256:" + strings.Repeat("0a", 32)}
			env.prepare(t, name, files{"Dockerfile": "FROM " + base + "\n"}, map[string]any{"BASE_IMAGE_POLICY": []any{rule}})
			return kit.HoldAtGate(t, env.Gates.Registry, "/v2/base/busybox/manifests/")
		},
		command: "docker build -t {image}:{tag} .",
	}, {
		name:    "image built",
		done:    api.StatusGitHubCloned,
		hold:    env.holdInDockerfile,
		command: "docker build -t {image}:{tag} .",
	}, {
		name: "image pushed",
		done: api.StatusImageBuilt,
		hold: func(t testing.TB, name string) func() {
			env.prepare(t, name, hello, nil)
			return kit.HoldAtGate(t, env.Gates.Registry, "PUT /v2/sbs/"+name+"/manifests/")
		},
		command: "docker push {image}:{tag}",
	}, {
		name: "image signed",
		done: api.StatusImageBuilt,
		hold: func(t testing.TB, name string) func() {
			env.prepare(t, name, hello, nil)
			return kit.HoldAtGate(t, env.Gates.Notary, "")
		},
		command: "docker push {image}:{tag}",
	}, {
		name:    "success",
		done:    api.StatusImagePushed,
		hold:    env.holdInManifest,
		command: "tar -cjf manifest.{name}.tbz data git",
	}}
}

// holdInDockerfile prepares a build that stops in a command of its Dockerfile.
func (env *environment) holdInDockerfile(t testing.TB, name string) (reached func()) {
	t.Helper()
	marker := sleepMarker(name)
	dockerfile := "FROM " + env.BaseImage + "\nRUN sleep 1" + marker + "\n"
	env.prepare(t, name, files{"Dockerfile": dockerfile}, nil)
	return func() {
		t.Helper()
		kit.Eventually(t, "the command of the Dockerfile runs", func() bool { return kit.ProcessRuns(t, "sleep\x001"+marker) })
	}
}

// sleepMarker returns a number of seconds for which no other process sleeps.
func sleepMarker(name string) string {
	digits := strings.Map(func(r rune) rune { return '0' + r%10 }, hex.EncodeToString([]byte(name)))
	return digits[:min(len(digits), 9)]
}

// holdInManifest prepares a build whose manifest takes seconds to compress.
func (env *environment) holdInManifest(t testing.TB, name string) (reached func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "random")
	random(t, path, 32<<20)
	content := hello.forGit()
	content["random"] = gitserver.File{From: path}
	if _, err := gitserver.CreateRepository(t.Context(), env.GitRoot, name+".git", content); err != nil {
		t.Fatal(err)
	}
	env.Initialise(t, name, nil)
	return func() {
		t.Helper()
		env.Await(t, "the image to be pushed", func(event api.Event) bool {
			return event.Status != nil && event.Status.Status == api.StatusImagePushed
		})
	}
}

// random writes a file that can't be compressed.
func random(t testing.TB, path string, size int) {
	t.Helper()
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails
	content := make([]byte, size)
	_, _ = mathrand.NewChaCha8(seed).Read(content) // never fails
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
