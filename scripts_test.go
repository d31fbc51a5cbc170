package sbs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// scriptPath matches the path of another file of the repository in a shell script. The
// character after it shows whether a variable follows, which is not resolved here.
var scriptPath = regexp.MustCompile(`\$here/([A-Za-z0-9_./-]+)([^A-Za-z0-9_./-]|$)`)

// TestScriptPaths checks that the scripts that other scripts call exist. Some calls are
// made only on a new machine, so that no other test notices when a folder moves.
func TestScriptPaths(t *testing.T) {
	checked := 0
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".sh" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, match := range scriptPath.FindAllStringSubmatch(string(text), -1) {
			if match[2] == "$" || !strings.HasSuffix(match[1], ".sh") {
				continue
			}
			checked++
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), match[1])); err != nil {
				t.Errorf("%s calls a script that doesn't exist: %v", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked == 0 {
		t.Fatal("no calls between scripts were found")
	}
}
