package gitconfig

import (
	"strings"
	"testing"
)

// FuzzAttributes: whatever .gitattributes holds, it gives attributes or none, in
// a time that does not grow with its stars.
func FuzzAttributes(f *testing.F) {
	for _, seed := range []string{"* text=auto\n", "[attr]m m\n* m\n", "\"\\303\\274\" eol=crlf", "[[:alpha:]-z]**/x -text !eol", strings.Repeat("*a", 500) + " ident", "[", "\\", "[\\"} {
		f.Add(seed, "a/b/"+strings.Repeat("a", 200))
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		if path == "" {
			return
		}
		found, _ := AttributeTree{"": ParseAttributes(text), "a/": ParseAttributes(text)}.Of(path)
		for name := range found {
			if !validAttribute(name) && name != "diff" {
				t.Errorf("%q gives %q the attribute %q", text, path, name)
			}
		}
	})
}
