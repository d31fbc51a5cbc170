//go:build stack

package e2e

// Checks that no secret is visible.

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// read reads a file.
func read(t testing.TB, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// secret is a text that must not be visible.
type secret struct{ name, text string }

type secrets []secret

// secrets returns the secrets of the default parameters and of the changes.
func (env *environment) secrets(changes map[string]any) secrets {
	var found secrets
	for _, given := range []map[string]any{env.Given, changes} {
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

// checkHidden fails the test for each secret that a text contains: as it is, line by
// line, as base64 or as hex.
func (s secrets) checkHidden(t testing.TB, where, text string) {
	t.Helper()
	for _, secret := range s {
		for form, shown := range forms(secret.text) {
			if strings.Contains(text, shown) {
				t.Errorf("%s contains the secret %s %s", where, secret.name, form)
			}
		}
	}
}

func forms(secret string) map[string]string {
	found := map[string]string{
		"in plain text": strings.TrimSpace(secret),
		"as base64":     strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		"as hex":        hex.EncodeToString([]byte(secret)),
	}
	for i, line := range strings.Split(strings.TrimSpace(secret), "\n") {
		if !strings.HasPrefix(line, "-----") {
			found[fmt.Sprintf("in line %d", i+1)] = line
		}
	}
	return found
}

// checkHiddenEverywhere searches for secrets in the server's log and in every file
// on its volume. In sealed files and archives it can't find any; the content of the
// archives is also in plain files.
func (env *environment) checkHiddenEverywhere(t testing.TB, s secrets) {
	t.Helper()
	log, err := os.ReadFile(env.Server.Log())
	if err != nil {
		t.Fatal(err)
	}
	s.checkHidden(t, "the server's log", string(log))
	err = filepath.WalkDir(env.Server.Volume(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s.checkHidden(t, path, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
