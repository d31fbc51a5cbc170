package source

import (
	"bytes"
	"io"
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
		found, _ := attributeSet{"": parseAttributes(text), "a/": parseAttributes(text)}.of(path)
		for name := range found {
			if !validAttribute(name) && name != "diff" {
				t.Errorf("%q gives %q the attribute %q", text, path, name)
			}
		}
	})
}

// A tree with more rules and files than are counted.
func TestAttributesAreBounded(t *testing.T) {
	store, _ := newStore(t)
	c := newCheckout(store, newLimits(MaxEntries, MaxObjects, MaxBytes))
	blob := func(path, text string) {
		t.Helper()
		place, err := store.add(3, int64(len(text)), func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		c.note(path, store.table[place].id, 0o100644)
	}
	blob(attributesFile, "* ident\n"+strings.Repeat("x ident\n", 60_000))
	for _, name := range strings.Split(strings.Repeat("f,", 2_000), ",") {
		blob("a/"+name, "$Id$\n")
	}
	var log bytes.Buffer
	if err := c.reportAttributes(t.Context(), &log); err != nil || !strings.HasPrefix(log.String(), "at least ") {
		t.Errorf("got %v, %q", err, &log)
	}
}
