package gitstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckName(t *testing.T) {
	for _, name := range []string{
		"", ".", "..", "a/b", "/", `..\a`, `a\..`, `a\..\b`, `a\.git`, `.GIT\config`, `a\git~1\b`, `a\.git `, "a\x00b", strings.Repeat("x", 256),
		".git", ".GIT", ".Git", ".git.", ".git ", ".git . .", "git~1", "GIT~1", "git~1.", ".git:x", ".git::$INDEX_ALLOCATION",
		"a\xff\xfe", "caf\xe9", ".g\u200cit", "\ufeff.git", ".git\u202e", ".\u206aG\u200fIT",
	} {
		if checkName(name) == "" {
			t.Errorf("%q is accepted", name)
		}
	}
	for _, name := range []string{
		"a", ".gitignore", ".gitmodules", ".github", "git", ".git2", "git~2", "...", "a b", "-rf", "a:b", `a\b`, `run-kata\x2dpods.mount`, `\`, `a\`, `a\.gitx`, "ü", "u\u0308", "a\nb", "x.git", strings.Repeat("x", 255),
	} {
		if reason := checkName(name); reason != "" {
			t.Errorf("%q is refused: %s", name, reason)
		}
	}
}

// What is taken as a name makes exactly that file in the folder.
func FuzzCheckName(f *testing.F) {
	for _, seed := range []string{"a", "..", ".git", "a/b", ".g\u200cit", "git~1", "\xff"} {
		f.Add(seed)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, name string) {
		if checkName(name) != "" {
			return
		}
		if strings.EqualFold(name, ".git") || filepath.Base(name) != name {
			t.Fatalf("%q is accepted", name)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 || entries[0].Name() != name {
			t.Errorf("%q made %v, %v", name, entries, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	})
}

func TestCheckModuleName(t *testing.T) {
	for _, name := range []string{"", "..", "a/../b", "/a", "a/", "a//b", "a/.git", "a\nb", `a\..`, strings.Repeat("a/", 600)} {
		if CheckModuleName(name) == "" {
			t.Errorf("%q is accepted", name)
		}
	}
	for _, name := range []string{"a", "libs/inner", "a b", "-x"} {
		if reason := CheckModuleName(name); reason != "" {
			t.Errorf("%q is refused: %s", name, reason)
		}
	}
}

func TestIsDotGitModules(t *testing.T) {
	for _, name := range []string{
		".gitmodules", ".GitModules", ".gitmodules ", ".gitmodules.", ".gitmodules::$DATA", "gitmod~1", "GITMOD~4 ", "gi7eba~1", "GI7EB~10", "~1000000",
		".git\u200cmodules", `a\.gitmodules`,
	} {
		if !isDotGitModules(name) {
			t.Errorf("%q is mistaken for another name", name)
		}
	}
	for _, name := range []string{"gitmodules", ".gitmodules2", "gitmod~5", "gitmod~0", "gi7eba~0", "gi7eba~", "gi7eb~1", "~100000", "modules"} {
		if isDotGitModules(name) {
			t.Errorf("%q is mistaken for .gitmodules", name)
		}
	}
}
