package config

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

func begin(t *testing.T, c *Config) *Rotation {
	t.Helper()
	rotation, err := c.BeginRotation()
	if err != nil {
		t.Fatal(err)
	}
	return rotation
}

func pendingFile(t *testing.T, c *Config) bool {
	t.Helper()
	info, err := os.Stat(c.pendingPath())
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("pending file: %v, %v", info.Mode(), err)
	}
	return true
}

func reload(t *testing.T, c *Config) *Config {
	t.Helper()
	again, err := Load(c.Path(), c.getenv)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestRotationIsKeptUntilItIsStored(t *testing.T) {
	c := load(t, body(t, ""), nil)
	old := c.Text("SECRET")
	rotation := begin(t, c)
	if rotation.Resumed() || rotation.NewSecret() == old || !pendingFile(t, c) {
		t.Fatal("the new secret must be on disk before it is used")
	}

	// The process dies here: the next one finds the same secret.
	again := begin(t, reload(t, c))
	if !again.Resumed() || again.NewSecret() != rotation.NewSecret() {
		t.Fatal("the secret of the unfinished rotation was lost")
	}
	if err := again.Abandon(); err != nil || !pendingFile(t, c) {
		t.Fatalf("a secret that the server may have was forgotten (%v)", err)
	}
	if err := again.Finish(noon); err != nil {
		t.Fatal(err)
	}
	if pendingFile(t, c) || reload(t, c).Text("SECRET") != rotation.NewSecret() {
		t.Error("the new secret is not the configuration's")
	}
	if backup, err := Load(c.Path()+".2026-03-04_12-05-06.789012", os.Getenv); err != nil || backup.Text("SECRET") != old {
		t.Errorf("the old secret is gone: %v", err)
	}
}

func TestRotationThatTheServerRefused(t *testing.T) {
	c := load(t, body(t, ""), nil)
	if err := begin(t, c).Abandon(); err != nil {
		t.Fatal(err)
	}
	if pendingFile(t, c) {
		t.Error("a refused secret was kept")
	}
	if pending, err := c.PendingRotation(); pending != nil || err != nil {
		t.Errorf("got %v, %v", pending, err)
	}
}

func TestRotationThatWasStoredButNotForgotten(t *testing.T) {
	c := load(t, body(t, ""), nil)
	first := begin(t, c)
	if err := first.Finish(noon); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.pendingPath(), []byte(first.NewSecret()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	second := begin(t, reload(t, c))
	if second.Resumed() || second.NewSecret() == first.NewSecret() {
		t.Error("a finished rotation was repeated")
	}
}

func TestRotationNeedsTheSecretInTheFile(t *testing.T) {
	c := load(t, `{"UUID": "u"}`, map[string]string{"SBS_SECRET": "x"})
	if _, err := c.BeginRotation(); err == nil {
		t.Error("the new secret would have had no place")
	}
	damaged := load(t, body(t, ""), nil)
	if err := os.WriteFile(damaged.pendingPath(), []byte("%%"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := damaged.BeginRotation(); err == nil {
		t.Error("a damaged pending secret was overwritten")
	}
}
