package sbs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// onePlace lists what only some packages of the product may use, because each use
// has bounds that the others would have to repeat, or a reason of its own. A use is a package and a name in
// it, with {} if the rule is about values of that type.
var onePlace = []struct {
	use    string
	within []string
	reason string
}{
	{"net/http.Transport{}", []string{"signature/httpclient", "client", "cmd/sbs-server"},
		"make transports by httpclient.New: CA certificates, TLS minimum and timeouts are decided there (client has mutual TLS 1.3 with a pinned server, cmd/sbs-server the health check of its own port)"},
	{"net/http.DefaultTransport", nil, "it has no limit for response headers: use httpclient.New"},
	{"net/http.DefaultClient", nil, "it has no timeouts: use httpclient.New"},
	{"net/http.Get", nil, "it takes no context: use httpclient.New"},
	{"net/http.Post", nil, "it takes no context: use httpclient.New"},
	{"crypto/tls.Dial", nil, "it takes no context: use httpclient.New"},
	{"os/exec.Command", []string{"server/process"}, "start programs by process.Start or a sandbox: they end with this process"},
	{"os/exec.CommandContext", nil, "start programs by process.Start or a sandbox: they end with this process"},
	{"os/exec.Cmd{}", nil, "start programs by process.Start or a sandbox: they end with this process"},
	{"os.StartProcess", nil, "start programs by process.Start"},
	{module + "server/volume.Volume", []string{"cmd/sbs-server"}, "take the views of the data volume that are needed, as interfaces: another implementation can be injected then"},
	{"syscall.ForkExec", nil, "start programs by process.Start"},
	{"syscall.StartProcess", nil, "start programs by process.Start"},
}

// Transports and child processes are made in one place each, and only the server's
// program knows the whole data volume.
func TestOnePlace(t *testing.T) {
	used := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		slashed := filepath.ToSlash(name) + "/"
		if entry.IsDir() && (entry.Name() == "testdata" || name != "." && strings.HasPrefix(entry.Name(), ".") || slices.Contains(anything, slashed)) {
			return fs.SkipDir
		}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		from := filepath.ToSlash(filepath.Dir(name))
		for _, use := range usesOf(t, name) {
			for _, rule := range onePlace {
				if use != rule.use {
					continue
				}
				used[use+" "+from] = true
				if !slices.Contains(rule.within, from) {
					t.Errorf("%s uses %s: %s", name, use, rule.reason)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range onePlace {
		for _, within := range rule.within {
			if !used[rule.use+" "+within] {
				t.Errorf("%s does not use %s any more: remove it from the list", within, rule.use)
			}
		}
	}
}

// usesOf returns the names of other packages that a file uses, in the form of onePlace.
func usesOf(t *testing.T, name string) (uses []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]string{}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if spec.Name != nil {
			byName[spec.Name.Name] = imported
		} else {
			byName[path.Base(imported)] = imported
		}
	}
	add := func(n ast.Expr, suffix string) {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := selector.X.(*ast.Ident); ok && byName[of.Name] != "" {
				uses = append(uses, byName[of.Name]+"."+selector.Sel.Name+suffix)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			add(n, "")
		case *ast.CompositeLit:
			add(n.Type, "{}")
		case *ast.CallExpr:
			if called, ok := n.Fun.(*ast.Ident); ok && called.Name == "new" && len(n.Args) == 1 {
				add(n.Args[0], "{}")
			}
		}
		return true
	})
	return uses
}
