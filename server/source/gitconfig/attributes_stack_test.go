//go:build stack

package gitconfig

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

var attributeNames = []string{"text", "crlf", "eol", "ident", "filter", "working-tree-encoding"}

// Files and lines of which the attributes are the same here and for git.
var (
	attributePaths = []string{
		"f.txt", "f.bat", "F.TXT", "a.b.txt", "[x]", "x", "-", "]", "ü.txt", "a\\b", " f", "!f", "#f", "a/f.txt", "a/f.bat", "a/x", "a/b/f.txt", "a/b/f.bat",
		"a/b/c/f.txt", "b/f.txt", "b/a/f.txt", "b/a/b/f.txt", "ab/f.txt", "a/b/x.y", "z9",
	}
	attributePatterns = []string{
		"*", "*.txt", "f.*", "*.b*", "a/*", "/a/*", "a/**", "**/f.txt", "a/**/f.txt", "**", "/**", "a/", "/f.txt", "b/f.txt", "?", "??.txt", "[a-f].txt", "[!a-f]*", "[^f].txt",
		"[]x]", "[x", "[[:alpha:]]", "[[:alpha:][:digit:]_]*", "[[:nonsense:]]", "[[:alpha]", "[\\]x]", "[a\\-z]", "[--9]", "[z-a]", "[]-a]", "\\f.txt", "f.txt\\", "\\!f", "\"f.txt\"", "\"\\303\\274.txt\"", "\"a\\\\\\\\b\"", "\" f\"", "\"f",
		"!f.txt", "#f", "\\#f", "ü.txt", "?.txt", "a*b/*", "a**b", "a/**b/*", "***.txt", "**/*", "/*", "*/f.txt", "f.txt/", "a\\/f.txt", "**\\/f.txt", "[a/]*", "a[/]f.txt", "[[:]x]", "x*x",
	}
	attributeStates = []string{
		"text", "-text", "!text", "text=auto", "text=input", "text=x", "crlf", "-crlf", "crlf=input", "eol=lf", "eol=crlf", "eol", "ident", "-ident", "filter=lfs", "-filter", "filter",
		"working-tree-encoding=UTF-16", "binary", "-binary", "!binary", "macro", "second", "te=xt", "-", "-=x", "ü", "a=b=c", "text text=auto", "text=", "",
	}
)

// randomAttributes writes a .gitattributes of a few lines.
func randomAttributes(random *rand.Rand) string {
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	var text strings.Builder
	if random.IntN(8) == 0 {
		text.WriteString("\ufeff")
	}
	for range 1 + random.IntN(5) {
		switch random.IntN(8) {
		case 0:
			text.WriteString("[attr]macro " + pick(attributeStates) + " " + pick(attributeStates))
		case 1:
			text.WriteString("[attr]second macro " + pick(attributeStates))
		default:
			text.WriteString(pick([]string{"", "", " ", "\t"}) + pick(attributePatterns) + pick([]string{" ", "\t", "  "}) + pick(attributeStates) + " " + pick(attributeStates))
		}
		text.WriteString(pick([]string{"\n", "\n", "\r\n", "\n# comment text\n"}))
	}
	if random.IntN(8) == 0 {
		text.WriteString("* " + strings.Repeat("x", maxAttributeLine-3+random.IntN(3)) + "\n")
	}
	return text.String()
}

func TestAttributesAsGitReadsThem(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "", "init", "--quiet")
	random := rand.New(rand.NewPCG(28, 1))
	given := 0
	for range 150 {
		tree, texts := AttributeTree{}, map[string]string{}
		for _, folder := range []string{"", "a/", "a/b/"} {
			texts[folder] = randomAttributes(random)
			tree[folder] = ParseAttributes(texts[folder])
			if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, folder, AttributesFile), []byte(texts[folder]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		list := git(t, dir, strings.Join(attributePaths, "\x00")+"\x00", append([]string{"check-attr", "--stdin", "-z"}, attributeNames...)...)
		fields := strings.Split(strings.TrimSuffix(list, "\x00"), "\x00")
		for i := 0; i+2 < len(fields); i += 3 {
			path, name, want := fields[i], fields[i+1], fields[i+2]
			found, _ := tree.Of(path)
			got, ok := found[name]
			switch {
			case !ok, got == Unspecified:
				got = "unspecified"
			case got == Set:
				got = "set"
			case got == Unset:
				got = "unset"
			}
			if got != "unspecified" {
				given++
			}
			if got != want {
				t.Errorf("%s of %q is %q, for git %q, with %q", name, path, got, want, texts)
			}
		}
		if t.Failed() {
			return
		}
	}
	if given < 1000 {
		t.Errorf("only %d attributes", given)
	}
}

func git(t *testing.T, folder, stdin string, arguments ...string) string {
	t.Helper()
	out, err := gitserver.Git(t.Context(), folder, strings.NewReader(stdin), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
