//go:build stack

package gitconfig

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// pieces are what the texts are made of that Parse and git both read.
var pieces = []string{
	"[submodule \"a\"]", "[submodule \"a\"] path = x", "[Submodule \"A.b\"]", "[submodule.A]", "[submodule]", "[core]", "[a.b \"c\"]", "[submodule \"a\\\"b\\\\c\\d\"]",
	"[submodule  \t\"x\" ]", "[submodule \"x\"", "[]", "[ \"x\"]", "[.x]", "[x-1]", "[x_]", "[submodule \"\"]", "[submodule \"a]\"]", "[x", "[",
	"\tpath = lib", "path=lib", "url = ../x.git", "URL\t=  a b  c ", "update = none", "update", "update =", "key-1 = v", "-k = v", "1k = v", "k_ = v", "k! = v", "k ; c", "k # c",
	"url = \"a ; b # c\" d ; e", "url = a\\\n b", "url = a\\\r\n\tb", "url = \"a\\\nb\"", "url = \"open", "url = a\\tb\\nc\\bd\\\\e\\\"f", "url = a\\x", "url = a\\", "url = \"\" x \"\"",
	"# comment", "; comment \\", "#", "\ufeff", "\xef\xbb", "\r", "\r\n", "\n", "\n\n", " ", "\t", "\v", "=", "]", "\"", "\\", "ü = 1", "k = ü", "k = \xff",
}

// gitSettings lists the settings as git config does.
func gitSettings(t *testing.T, dir, text string) (string, error) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return gitserver.Git(t.Context(), dir, strings.NewReader(""), "config", "--file", "config", "--list", "-z")
}

func listed(settings []Setting) string {
	var list strings.Builder
	for _, s := range settings {
		list.WriteString(s.Name)
		if s.HasValue {
			list.WriteString("\n" + s.Value)
		}
		list.WriteByte(0)
	}
	return list.String()
}

// A text of settings means here what it means to git.
func TestConfigAsGitReadsIt(t *testing.T) {
	dir := t.TempDir()
	texts := append([]string{}, pieces...)
	random := rand.New(rand.NewPCG(1, 24))
	for range 600 {
		var text strings.Builder
		for range 1 + random.IntN(6) {
			text.WriteString(pieces[random.IntN(len(pieces))])
			if random.IntN(3) > 0 {
				text.WriteByte('\n')
			}
		}
		texts = append(texts, text.String(), "[submodule \"m\"]\n"+text.String())
	}
	taken := 0
	for _, text := range texts {
		want, refused := gitSettings(t, dir, text)
		settings, err := Parse(text)
		if (err != nil) != (refused != nil) {
			t.Errorf("%q: got %v, from git %v", text, err, refused)
			continue
		}
		if err == nil {
			taken++
			if got := strings.TrimSpace(listed(settings)); got != strings.TrimSpace(want) {
				t.Errorf("%q: got %q, from git %q", text, got, want)
			}
		}
	}
	if taken < len(texts)/10 {
		t.Errorf("only %d of %d texts are accepted", taken, len(texts))
	}
}
