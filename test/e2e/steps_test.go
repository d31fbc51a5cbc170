//go:build stack

// Holding a build inside a step. What is tested there, clean and restart, must
// do the same in every step.
package e2e

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

// step is a place in which a build can be held.
type step struct {
	name string
	done string // the status meanwhile: the last step that is done

	// hold makes a build of the repository of that name stop in the step, and
	// returns what waits until it is there.
	hold func(t testing.TB, name string) (reached func())

	// command is the step as a command line, as far as the record alone tells
	// it. What stands in braces is filled in.
	command string
}

// steps are all steps of the pipeline; pushing and signing is one of them with
// two places to be held in.
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
		hold:    env.sleeping,
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
		hold:    env.large,
		command: "tar -cjf manifest.{name}.tbz data git",
	}}
}

// sleeping makes a build stop in a command of its Dockerfile.
func (env *environment) sleeping(t testing.TB, name string) (reached func()) {
	t.Helper()
	marker := sleepMarker(name)
	dockerfile := "FROM " + env.BaseImage + "\nRUN sleep 1" + marker + "\n"
	env.prepare(t, name, files{"Dockerfile": dockerfile}, nil)
	return func() {
		t.Helper()
		kit.Eventually(t, "the command of the Dockerfile runs", func() bool { return kit.ProcessRuns(t, "sleep\x001"+marker) })
	}
}

// sleepMarker is a number of seconds that no other process sleeps for.
func sleepMarker(name string) string {
	digits := strings.Map(func(r rune) rune { return '0' + r%10 }, hex.EncodeToString([]byte(name)))
	return digits[:min(len(digits), 9)]
}

// large makes a build that takes seconds to write its manifest: compressing is
// all it does then.
func (env *environment) large(t testing.TB, name string) (reached func()) {
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
