package sbs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestConcurrentPackagesRunUnderTheRaceDetector compares the packages that
// tools/unit.sh selects by their text with what their syntax says.
func TestConcurrentPackagesRunUnderTheRaceDetector(t *testing.T) {
	output, err := exec.Command("tools/unit.sh", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	raced := strings.Fields(string(output))
	tested := map[string]bool{}     // packages that have tests without build tags
	concurrent := map[string]bool{} // packages that start goroutines, in their tests or not
	err = filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := entry.Name(); name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "tools") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(file.Comments, func(c *ast.CommentGroup) bool { return strings.HasPrefix(c.List[0].Text, "//go:build") }) {
			return nil
		}
		folder := module + filepath.ToSlash(filepath.Dir(name))
		starts := startsGoroutines
		if strings.HasSuffix(name, "_test.go") { // a test's own HTTP server does not count
			tested[folder], starts = true, hasGoStatements
		}
		concurrent[folder] = concurrent[folder] || starts(file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for folder := range concurrent {
		if !concurrent[folder] || !tested[folder] {
			continue
		}
		if found++; !slices.Contains(raced, strings.TrimSuffix(folder, "/.")) {
			t.Errorf("%s starts goroutines, and tools/unit.sh runs its tests without the race detector", folder)
		}
	}
	if found < 10 {
		t.Errorf("only %d packages with tests start goroutines: the test does not find them", found)
	}
}
