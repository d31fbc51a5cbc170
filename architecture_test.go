package sbs

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The diagram in docs/architecture.md is compared with mayImport.
var (
	diagramNode = regexp.MustCompile(`^\s*(\w+)\["([^"]+)"\]$`)
	diagramEdge = regexp.MustCompile(`^\s*(\w+) --> (\w+)$`)
)

// diagram has the group of each package pattern, and the arrows between groups.
type diagram struct {
	groups map[string]string // by package, or by "folder/*" for all below it
	arrows map[string][]string
}

// TestDiagramShowsImports checks that each package is in one group, that each arrow
// represents an import, that each import between groups follows the arrows, and that the
// arrows have no cycle.
func TestDiagramShowsImports(t *testing.T) {
	d := readDiagram(t)
	imports := map[[2]string]string{} // from and to a group; one import as an example
	for from, packages := range mayImport {
		for _, to := range packages {
			if d.group(from) != d.group(to) {
				imports[[2]string{d.group(from), d.group(to)}] = from + " imports " + to
			}
		}
		if d.group(from) == "" {
			t.Errorf("package %s is in no group of the diagram", from)
		}
	}
	for pattern := range d.groups {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(mayImport)), func(name string) bool { return d.pattern(name) == pattern }) {
			t.Errorf("no package matches %s", pattern)
		}
	}
	for from, tos := range d.arrows {
		for _, to := range tos {
			if _, ok := imports[[2]string{from, to}]; !ok {
				t.Errorf("%s --> %s: there is no such import", from, to)
			}
			if d.leads(to, from) {
				t.Errorf("%s --> %s: the arrows have a cycle", from, to)
			}
		}
	}
	for groups, example := range imports {
		if !d.leads(groups[0], groups[1]) {
			t.Errorf("no arrows lead from %s to %s, but %s", groups[0], groups[1], example)
		}
	}
}

// readDiagram returns the diagram of docs/architecture.md.
func readDiagram(t *testing.T) diagram {
	t.Helper()
	page, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "```mermaid\nflowchart TD\n")
	text, _, ended := strings.Cut(text, "```")
	if !found || !ended {
		t.Fatal("docs/architecture.md has no diagram")
	}
	d := diagram{map[string]string{}, map[string][]string{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if node := diagramNode.FindStringSubmatch(line); node != nil {
			for name := range strings.SplitSeq(node[2], "<br>") {
				if d.groups[name] != "" {
					t.Errorf("%s is in two groups", name)
				}
				d.groups[name] = node[1]
			}
		} else if edge := diagramEdge.FindStringSubmatch(line); edge != nil {
			d.arrows[edge[1]] = append(d.arrows[edge[1]], edge[2])
		} else if strings.TrimSpace(line) != "" {
			t.Errorf("the diagram has the line %q: allowed are NODE[\"PACKAGE<br>PACKAGE\"] and NODE --> NODE", line)
		}
	}
	return d
}

// pattern returns the pattern of a package in the diagram: its name, or the nearest folder
// above it with /*.
func (d diagram) pattern(name string) string {
	if _, ok := d.groups[name]; ok {
		return name
	}
	for folder := name; folder != ""; {
		if _, ok := d.groups[folder+"/*"]; ok {
			return folder + "/*"
		}
		folder = folder[:max(0, strings.LastIndex(folder, "/"))]
	}
	return ""
}

func (d diagram) group(name string) string { return d.groups[d.pattern(name)] }

// leads reports whether arrows lead from one group to another.
func (d diagram) leads(from, to string) bool {
	seen := map[string]bool{}
	for next := []string{from}; len(next) > 0; next = next[1:] {
		for _, group := range d.arrows[next[0]] {
			if group == to {
				return true
			}
			if !seen[group] {
				seen[group] = true
				next = append(next, group)
			}
		}
	}
	return false
}

var (
	namedPath = regexp.MustCompile("`([\\w.-]+/[\\w./-]*[\\w-])`")
	namedTest = regexp.MustCompile("`([\\w./-]+_test\\.go)` (Test\\w+)")
)

// The files, folders and tests that the architecture page names exist.
func TestArchitecturePageNames(t *testing.T) {
	page, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range namedPath.FindAllStringSubmatch(string(page), -1) {
		if _, err := os.Stat(match[1]); err != nil {
			t.Error(err)
		}
	}
	promises := namedTest.FindAllStringSubmatch(string(page), -1)
	if len(promises) < 10 {
		t.Errorf("the page names %d tests", len(promises))
	}
	for _, match := range promises {
		if code, err := os.ReadFile(match[1]); err != nil || !strings.Contains(string(code), "\nfunc "+match[2]+"(t *testing.T) {\n") {
			t.Errorf("%s has no %s (%v)", match[1], match[2], err)
		}
	}
}
