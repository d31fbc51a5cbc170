package sbs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// notChecked are packages that start goroutines and whose tests don't check for leaks of
// them, with the reason.
var notChecked = map[string]string{
	"cmd/sbs-cli": "its tests run the program, which ends",
}

// TestLeaksAreChecked requires goleak.VerifyTestMain in the tests of every package that
// starts goroutines, itself or by net/http.
func TestLeaksAreChecked(t *testing.T) {
	starts, tested, checked := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, top := range []string{"api", "enclave", "server", "signature", "client", "cmd"} {
		err := filepath.WalkDir(top, func(name string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(name) != ".go" {
				return err
			}
			folder := filepath.ToSlash(filepath.Dir(name))
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				return err
			}
			if strings.HasSuffix(name, "_test.go") {
				tested[folder] = true
				checked[folder] = checked[folder] || calls(file, "goleak", "VerifyTestMain") || calls(file, "testregistry", "VerifyNoLeaks")
				return nil
			}
			starts[folder] = starts[folder] || startsGoroutines(file)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for folder := range starts {
		if starts[folder] && tested[folder] && !checked[folder] && notChecked[folder] == "" {
			t.Errorf("%s starts goroutines, but its tests don't check for leaks: call goleak.VerifyTestMain in its TestMain", folder)
		}
	}
}

// TestTheWrapperChecksForLeaks: packages whose tests run a registry call goleak through
// a function of the kit, which knows the registry's own goroutine.
func TestTheWrapperChecksForLeaks(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "test/kit/testregistry/testregistry.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !calls(file, "goleak", "VerifyTestMain") {
		t.Error("testregistry.VerifyNoLeaks does not call goleak.VerifyTestMain")
	}
}

// startsGoroutines reports whether a file has go statements or calls of a method Go, or
// imports a package that starts goroutines.
func startsGoroutines(file *ast.File) bool {
	for _, spec := range file.Imports {
		switch spec.Path.Value {
		case `"net/http"`, `"golang.org/x/sync/errgroup"`:
			return true
		}
	}
	return hasGoStatements(file)
}

func hasGoStatements(file *ast.File) bool {
	found := false
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.GoStmt:
			found = true
		case *ast.SelectorExpr: // sync.WaitGroup's
			found = found || node.Sel.Name == "Go"
		}
		return !found
	})
	return found
}

// calls reports whether the file calls a function of a package.
func calls(file *ast.File, pkg, function string) bool {
	found := false
	ast.Inspect(file, func(node ast.Node) bool {
		if call, is := node.(*ast.CallExpr); is {
			selector, is := call.Fun.(*ast.SelectorExpr)
			if is && selector.Sel.Name == function {
				from, is := selector.X.(*ast.Ident)
				found = found || is && from.Name == pkg
			}
		}
		return !found
	})
	return found
}
