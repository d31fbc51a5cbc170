package gitconfig

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestParseModules(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string // "path name url update"; nil: refused
	}{
		"two sections of one path": {"[submodule \"a\"]\npath = x\nurl = ./1\n[submodule \"b\"]\npath = x\nurl = ./2\n", []string{"x b ./2 "}},
		"two sections of one name": {"[submodule \"a\"]\npath = x\nurl = ./1\n[submodule \"a\"]\nurl = ./2\n", []string{"x a ./2 "}},
		"a path that moves":        {"[submodule \"a\"]\npath = x\npath = y\nurl = ./1\n", []string{"y a ./1 "}},
		"a path taken back":        {"[submodule \"a\"]\npath = x\n[submodule \"b\"]\npath = x\n[submodule \"a\"]\npath = x\n", []string{"x a  "}},
		"no path":                  {"[submodule \"a\"]\nurl = ./1\n[submodule \"b\"]\nurl = ./1\n", []string{}},
		"byte order mark":          {"\ufeff[submodule \"a\"]\npath = x\nurl = ./1\n", []string{"x a ./1 "}},
		"on one line":              {"[submodule \"a\"] path = x\nurl = ./1\n", []string{"x a ./1 "}},
		"over two lines":           {"[submodule \"a\"]\npath = x\nurl = ./\\\n1\n", []string{"x a ./1 "}},
		"escapes in a name":        {"[submodule \"a\\\\b\\\"\\c\"]\npath = x\nurl = ./1\n", []string{"x a\\b\"c ./1 "}},
		"old form":                 {"[Submodule.A]\nPath = x\nURL = ./1\n", []string{"x a ./1 "}},
		"comments and quotes":      {"[submodule \"a\"]\npath = \"x;y\" # z\nurl = ./1 ; z\n", []string{"x;y a ./1 "}},
		"slash at the end":         {"[submodule \"a\"]\npath = x/\nurl = ./1\n", []string{"x a ./1 "}},
		"options":                  {"[submodule \"a\"]\npath = x\npath = -y\nurl = ./1\nurl = -u\n", []string{"x a ./1 "}},
		"options of two":           {"[submodule \"a\"]\npath = x\n[submodule \"b\"]\npath = x\n[submodule \"a\"]\npath = -x\n", []string{"x b  "}},
		"names that lead up":       {"[submodule \"../a\"]\npath = x\n[submodule \"a\\\\..\\\\b\"]\npath = y\n[submodule \"\"]\npath = z\n", []string{}},
		"update":                   {"[submodule \"a\"]\npath = x\nupdate = rebase\n[submodule \"b\"]\npath = y\nupdate = none\n", []string{"x a  rebase", "y b  none"}},
		"settings of others":       {"[core]\npath = x\n[submodule]\npath = y\n[submodulex \"a\"]\npath = z\n", []string{}},
		"a command":                {"[submodule \"a\"]\nupdate = !touch owned\n", nil},
		"an unknown update":        {"[submodule \"a\"]\nupdate = None\n", nil},
		"an empty update":          {"[submodule \"a\"]\nupdate =\n", nil},
		"a path without a value":   {"[submodule \"a\"]\npath\n", nil},
		"shallow of no kind":       {"[submodule \"a\"]\nshallow = maybe\n", nil},
		"shallow":                  {"[submodule \"a\"]\nshallow\nshallow = YES\nshallow = 1k\nfetchRecurseSubmodules = on-demand\n", []string{}},
		"no setting":               {"[submodule \"a\"]\npath = x\n%", nil},
		"a NUL":                    {"[submodule \"a\"]\npath = x\x00y\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			declared, err := ParseModules(test.text)
			if test.want == nil {
				if err == nil {
					t.Errorf("read as %v", declared)
				}
				return
			}
			got := []string{}
			for _, path := range slices.Sorted(maps.Keys(declared)) {
				d := declared[path]
				got = append(got, strings.Join([]string{path, d.Name, d.URL, d.Update}, " "))
			}
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

// FuzzParseModules: whatever .gitmodules holds, it is read or refused, and a
// submodule has a path and a name that Git would not ignore.
func FuzzParseModules(f *testing.F) {
	for _, seed := range []string{
		"[submodule \"a\"]\npath = x\nurl = ./1\n", "\ufeff[submodule.a] path = \"x\\\n", "[submodule \"a\\\"\\\\\"]\nupdate = !x ; y\n", "[", "[x \"", "k = \\",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		declared, err := ParseModules(text)
		if err != nil && len(declared) > 0 {
			t.Errorf("%d declarations with %v", len(declared), err)
		}
		for path, d := range declared {
			if d.Name == "" || leadsUp(d.Name) || strings.HasPrefix(path, "-") || strings.HasPrefix(d.URL, "-") {
				t.Errorf("%q is read as %+v", path, *d)
			}
		}
	})
}
