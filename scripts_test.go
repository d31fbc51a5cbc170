package sbs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// besideScript is how a shell script names another file of the repository. The
// character after it tells whether a variable follows, which is not resolved here.
var besideScript = regexp.MustCompile(`\$here/([A-Za-z0-9_./-]+)([^A-Za-z0-9_./-]|$)`)

// TestScriptsFindEachOther holds the paths by which scripts call scripts against
// the files that are there: one that only a bare machine takes is seen by nobody
// when a folder moves.
func TestScriptsFindEachOther(t *testing.T) {
	checked := 0
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".sh" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, match := range besideScript.FindAllStringSubmatch(string(text), -1) {
			if match[2] == "$" || !strings.HasSuffix(match[1], ".sh") {
				continue
			}
			checked++
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), match[1])); err != nil {
				t.Errorf("%s calls a script that is not there: %v", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked == 0 {
		t.Fatal("no script calls another one, which can't be right")
	}
}
