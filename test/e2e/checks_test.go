//go:build stack

// What must be true around a build server, seen from outside: nothing is left
// behind, and no secret is shown.
package e2e

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

// secret is a text that nobody may see.
type secret struct{ name, text string }

type secrets []secret

// secrets are those of the parameters that were given, and of the changes.
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
