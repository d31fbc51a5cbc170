package api

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of parameters in the documentation again")

// TestParametersAreDocumented holds docs/parameters.md against the table of
// fields.
func TestParametersAreDocumented(t *testing.T) {
	const file = "../docs/parameters.md"
	const begin, end = "<!-- table: written by go test ./api -update -->\n", "<!-- end of table -->"
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), begin)
	table, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has lost the marks around its table", file)
	}
	var want strings.Builder
	want.WriteString("\n| key | value |\n| --- | --- |\n")
	for _, f := range fields {
		takes := f.takes
		if f.secret {
			takes += " (*secret*)"
		}
		fmt.Fprintf(&want, "| `%s` | %s |\n", f.key, takes)
	}
	want.WriteString("\n")
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want.String() {
		t.Errorf("the table in %s is not that of the code: go test ./api -update writes it", file)
	}
}
