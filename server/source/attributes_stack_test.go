//go:build stack

package source

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/source/gitconfig"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// The files that are counted are those that git checks out with other bytes, or
// takes for changed.
func TestAttributesThatGitActsOn(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	const lf, crlf, mixed = "a\nb\n", "a\r\nb\r\n", "a\nb\r\n"
	acted := map[string]gitserver.File{
		"crlf/lf": {Content: lf}, "crlf/mixed": {Content: mixed}, "crlf/crlf": {Content: crlf}, "autocrlf/lf": {Content: lf},
		"text/crlf": {Content: crlf}, "text/mixed": {Content: mixed}, "lf/crlf": {Content: crlf}, "input/crlf": {Content: crlf},
		"ident/short": {Content: "x $Id$\n"}, "ident/long": {Content: "x $Id: y $\n"}, "wide/x": {Content: "x\n"},
	}
	files := map[string]gitserver.File{
		gitconfig.AttributesFile: {Content: "autocrlf/* text=auto eol=crlf\nauto/* text=auto\ntext/* text\nlf/* eol=lf\ninput/* crlf=input\nident/* ident\nwide/* working-tree-encoding=UTF-16LE\n" +
			"plain/* working-tree-encoding=UTF-8\nbinary/* eol=crlf\nbinary/* binary\nlink eol=crlf\n"},
		"crlf/" + gitconfig.AttributesFile: {Content: "* eol=crlf\n" + gitconfig.AttributesFile + " -text\n"},
		"autocrlf/crlf":                    {Content: crlf}, "autocrlf/mixed": {Content: mixed}, "autocrlf/binary": {Content: "a\n\x00"}, "autocrlf/none": {Content: "x"},
		"auto/crlf": {Content: crlf}, "auto/lf": {Content: lf}, "text/lf": {Content: lf}, "lf/lf": {Content: lf}, "crlf/none": {Content: "x"}, "crlf/empty": {},
		"ident/none": {Content: "$Ident$ Id$\n"}, "plain/x": {Content: "ü\n"}, "wide/empty": {}, "binary/lf": {Content: lf}, "link": {Mode: gitserver.Symlink, Content: "crlf\n"},
	}
	quiet := len(files)
	for name, file := range acted {
		files[name] = file
	}
	if quiet+len(acted) != len(files) {
		t.Fatal("a file is there twice")
	}
	s.create(t, "one.git", files)
	dir := filepath.Join(t.TempDir(), "tree")
	var log bytes.Buffer
	if _, err := Clone(t.Context(), s.https("one.git"), dir, &log); err != nil {
		t.Fatal(err)
	}
	// What git has for other bytes than the commit, or reports as changed.
	different := map[string]bool{}
	for _, path := range differing(worktree(t, dir), worktree(t, s.gitClone(t, "one.git"))) {
		different[path] = true
	}
	for line := range strings.Lines(git(t, dir, "", "-c", "core.safecrlf=false", "status", "--short", "--no-renames")) {
		different[strings.TrimSpace(line)[2:]] = true
	}
	delete(different, "")
	for path := range different {
		if _, ok := acted[path]; !ok {
			t.Errorf("git acts on %q", path)
		}
	}
	for path := range acted {
		if !different[path] {
			t.Errorf("git does not act on %q", path)
		}
	}
	if want := "11 of the files have attributes that git would act on (eol, ident, text, working-tree-encoding)"; !strings.Contains(log.String(), want) {
		t.Errorf("the log has no %q:\n%s", want, &log)
	}
}
