//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// oneJSON CODE COMMAND... runs a command that must exit with CODE and print one
// JSON document.
func oneJSON(ts *testscript.TestScript, negated bool, args []string) {
	exits(ts, negated, args)
	if n := documents(ts, ts.ReadFile("stdout")); n != 1 {
		ts.Fatalf("%d JSON documents, want 1", n)
	}
}

// jsonLines CODE COMMAND... runs one that prints a JSON document in each line.
func jsonLines(ts *testscript.TestScript, negated bool, args []string) {
	exits(ts, negated, args)
	printed := ts.ReadFile("stdout")
	if n, lines := documents(ts, printed), strings.Count(printed, "\n"); n == 0 || n != lines {
		ts.Fatalf("%d JSON documents in %d lines", n, lines)
	}
}

func documents(ts *testscript.TestScript, printed string) (n int) {
	decoder := json.NewDecoder(strings.NewReader(printed))
	for ; ; n++ {
		var document any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return n
		}
		ts.Check(err)
	}
}

// The script names every command that has the flag.
func TestEveryJSONFlagIsTested(t *testing.T) {
	script, err := os.ReadFile("testdata/script/json.txtar")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, command := range (program{}).app().Commands {
		for _, flag := range command.Flags {
			if !slices.Contains(flag.Names(), "json") {
				continue
			}
			found++
			if !strings.Contains(string(script), "\njson 0 sbs-cli "+command.Name+" ") && command.Name != "verify" {
				t.Errorf("%s --json is in no script", command.Name)
			}
		}
	}
	if found == 0 {
		t.Error("no command has the flag")
	}
}
