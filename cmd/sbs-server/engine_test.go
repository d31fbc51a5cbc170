package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// TestGivenEngineIsUsed: a dockerd that could be run stays alone where DOCKER_HOST
// names an engine.
func TestGivenEngineIsUsed(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "ran")
	t.Setenv("PATH", fakeDockerd(t, marker))
	given := settings{dockerHost: "tcp://127.0.0.1:1", volume: t.TempDir()}
	docker, err := startEngine(context.Background(), given, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if docker.host != "tcp://127.0.0.1:1" || docker.own != nil {
		t.Errorf("the engine is %+v, want the one of DOCKER_HOST", docker)
	}
	if err := docker.stop(); err != nil {
		t.Errorf("an engine that is not the server's was stopped: %v", err)
	}
	given.registries.mirrors = []string{"https://mirror.example"}
	if _, err := startEngine(context.Background(), given, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("mirrors for an engine that is not the server's are no error")
	}
	if _, err := os.Stat(marker); !os.IsNotExist(err) {
		t.Errorf("dockerd was started in addition to the engine that is given: %v", err)
	}
}

// fakeDockerd makes a folder with a dockerd that leaves a marker.
func fakeDockerd(t *testing.T, marker string) string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\n>" + marker + "\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "dockerd"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}
