package gitstore

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The package has no network, no other process and no environment: its files import
// nothing that could give them one.
func TestNoNetworkNorProcesses(t *testing.T) {
	allowed := []string{
		"bufio", "bytes", "cmp", "context", "crypto/sha1", "encoding/binary", "errors", "fmt", "hash", "hash/adler32", "hash/crc32",
		"io", "io/fs", "os", "path", "regexp", "slices", "sort", "strconv", "strings", "syscall", "time", "unicode/utf8",
		"github.com/klauspost/compress/zlib",
		"github.com/opensbs/sbs/server/progress",
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(allowed, path) && !strings.HasPrefix(path, "github.com/go-git/go-git/v5/plumbing") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}
