package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/attest"
	"github.com/opensbs/sbs/client/certs"
	"github.com/opensbs/sbs/client/verify"
)

// Every code of advice and every fault that the packages declare has a sentence, and
// no package of the client names a command of this program.
func TestEveryCodeHasAdvice(t *testing.T) {
	codes, faults := map[string]string{}, map[string]string{}
	for code, next := range adviceByCode() {
		codes[string(code)] = next
	}
	for fault, next := range adviceByFault() {
		faults[string(fault)] = next
	}
	declared := 0
	err := filepath.WalkDir("../../client", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.ValueSpec:
				table := map[string]map[string]string{"advice.Code": codes, "Fault": faults}[typeName(node.Type)]
				if table == nil {
					return true
				}
				declared++
				if next := table[text(node.Values[0])]; next == "" {
					t.Errorf("%s: %s has no advice", path, node.Names[0])
				}
			case *ast.BasicLit:
				if strings.Contains(text(node), "sbs-cli ") {
					t.Errorf("%s names a command: %s", path, node.Value)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if declared != len(codes)+len(faults) {
		t.Errorf("%d codes and faults are declared, %d have advice", declared, len(codes)+len(faults))
	}
}

func typeName(node ast.Expr) string {
	switch node := node.(type) {
	case *ast.Ident:
		return node.Name
	case *ast.SelectorExpr:
		return fmt.Sprintf("%s.%s", node.X, node.Sel)
	}
	return ""
}

// text returns the value of a string literal; "" for anything else.
func text(node ast.Expr) string {
	literal, ok := node.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return ""
	}
	value, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return value
}

func TestNextStep(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		next string
	}{
		"a code":          {advice.Coded(errors.New("x"), certs.NoServerCertificate), "sbs-cli create-server-cert"},
		"a code, wrapped": {fmt.Errorf("instance-env: %w", advice.Coded(errors.New("x"), certs.RenewClient)), "delete-certificates"},
		// A refusal has advice of its own, and a code in it is more exact.
		"a code in a refusal": {errors.Join(&attest.Refusal{Check: "kind"}, advice.Coded(errors.New("x"), attest.Simulated)), "--require simulated"},
		"a sentence":          {advice.New(errors.New("x"), "read the manual"), "read the manual"},
		"a reply":             {&client.Error{Code: api.CodeNotInitialised}, "sbs-cli init"},
		"a parameter":         {&client.Error{Code: api.CodeBadParameter, Key: "GITHUB_URL"}, "correct GITHUB_URL"},
		"no reply":            {&client.Error{Fault: client.FaultServerExpired}, "clock"},
		"an unknown reply":    {&client.Error{HTTPStatus: 502}, ""},
		"another repository":  {&verify.OtherRepositoryError{Trusted: "docker.io/a/b"}, "get-trust"},
		"a mirror":            {&verify.OtherRepositoryError{Trusted: "docker.io/a/b", Mirror: true}, "--mirror-of docker.io/a/b"},
		"an unnamed error":    {errors.New("x"), ""},
	} {
		if got := nextStep(test.err); !strings.Contains(got, test.next) || (test.next == "") != (got == "") {
			t.Errorf("%s: next step %q, want %q", name, got, test.next)
		}
	}
}
