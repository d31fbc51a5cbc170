package config

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/client/advice"
)

var noon = time.Date(2026, 3, 4, 13, 5, 6, 789012345, time.FixedZone("CET", 3600))

// load writes text to a file of its own and loads it with an environment.
func load(t *testing.T, text string, environment map[string]string) *Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sbs-config.json")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompleteAddsWhatIsMissingAndKeepsTheOldFile(t *testing.T) {
	const old = `{"hostname": "sbs.example.com", "My_Note": {"x": 1}, "secret": ""}`
	c := load(t, old, nil)
	added, err := c.Complete(noon)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"RUNTIME_TYPE", "UUID", "SECRET"}; !slices.Equal(added, want) {
		t.Errorf("added %v, want %v", added, want)
	}
	backup, err := os.ReadFile(c.Path() + ".2026-03-04_12-05-06.789012")
	if err != nil || string(backup) != old {
		t.Errorf("the copy of the old file: %q, %v", backup, err)
	}
	for _, path := range []string{c.Path(), c.Path() + ".2026-03-04_12-05-06.789012"} {
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, %v; it holds secrets", path, info.Mode(), err)
		}
	}
	again, err := Load(c.Path(), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, m := range again.doc.members {
		keys = append(keys, m.key)
	}
	if want := []string{"hostname", "My_Note", "secret", "RUNTIME_TYPE", "UUID"}; !slices.Equal(keys, want) {
		t.Errorf("keys %v, want %v", keys, want)
	}
	if secret, err := base64.StdEncoding.DecodeString(again.Text("SECRET")); err != nil || len(secret) != 128 {
		t.Errorf("SECRET has %d bytes, %v", len(secret), err)
	}
	if len(again.Text("UUID")) != 36 || again.Text("UUID")[14] != '4' {
		t.Errorf("UUID %q is no version 4", again.Text("UUID"))
	}
	if added, err := again.Complete(noon); err != nil || added != nil {
		t.Errorf("a complete file was changed: %v, %v", added, err)
	}
}

func TestCompleteFollowsALink(t *testing.T) {
	c := load(t, `{}`, nil)
	link := filepath.Join(t.TempDir(), "env.json")
	if err := os.Symlink(c.Path(), link); err != nil {
		t.Fatal(err)
	}
	linked, err := Load(link, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := linked.Complete(noon); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
	if again, err := Load(c.Path(), os.Getenv); err != nil || again.Text("UUID") == "" {
		t.Error("the file that the link leads to was not rewritten")
	}
}

func TestCompleteLeavesASecretInTheEnvironmentThere(t *testing.T) {
	c := load(t, `{"UUID": "u", "RUNTIME_TYPE": "vpc"}`, map[string]string{"SBS_SECRET": "s3cret"})
	added, err := c.Complete(noon)
	if err != nil || added != nil {
		t.Errorf("added %v, %v", added, err)
	}
}

func TestTextPrefersTheFile(t *testing.T) {
	environment := map[string]string{"SBS_DOCKER_PASSWORD": " from environment\n", "SBS_GITHUB_TOKEN": "token", "SBS_HOSTNAME": "elsewhere"}
	c := load(t, `{"docker_password": "from file", "GITHUB_TOKEN": "", "CICD_PORT": 8443, "EMPTY": null}`, environment)
	for key, want := range map[string]string{
		"DOCKER_PASSWORD": "from file",
		"GITHUB_TOKEN":    "token",
		"CICD_PORT":       "8443",
		"EMPTY":           "",
		"HOSTNAME":        "", // no secret: only the file has it
	} {
		if got := c.Text(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

func TestLoadAdvises(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.json"), os.Getenv)
	if advice.CodeOf(err) != NoFile {
		t.Errorf("got %v with advice %q", err, advice.CodeOf(err))
	}
	path := filepath.Join(t.TempDir(), "big.json")
	if err := os.WriteFile(path, []byte(`{"A":"`+strings.Repeat("x", maxFile)+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, os.Getenv); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a file of more than the bound: %v", err)
	}
}

func TestUnknownKeys(t *testing.T) {
	c := load(t, `{"HOSTNAM": "x", "hostname": "x", "Docker_Repo": "", "SECRETS": {}, "COS_ENDPOINT": "", "note": 1}`, nil)
	if got, want := c.Unknown(), []string{"HOSTNAM", "note"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
