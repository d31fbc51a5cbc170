package scan

import (
	"archive/tar"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a later layer replaced or removed is not in the image.
func TestLayers(t *testing.T) {
	npm := func(dir, name string) entry {
		return entry{name: dir + "/" + name + "/package.json", content: `{"name":"` + name + `","version":"1"}`}
	}
	link := func(name, target string) entry { return entry{name: name, content: target, kind: tar.TypeLink} }
	bottom := layer{npm("a", "one"), npm("a", "two"), npm("b", "three"), npm("c", "four"), npm("d", "five")}
	for name, test := range map[string]struct {
		layers []layer
		want   []string
	}{
		"one layer":                     {[]layer{bottom}, []string{"five@1", "four@1", "one@1", "three@1", "two@1"}},
		"a file removed":                {[]layer{bottom, {{name: "a/one/.wh.package.json"}}}, []string{"five@1", "four@1", "three@1", "two@1"}},
		"a folder removed":              {[]layer{bottom, {{name: ".wh.a"}}}, []string{"five@1", "four@1", "three@1"}},
		"a folder emptied":              {[]layer{bottom, {{name: "a/.wh..wh..opq"}, npm("a", "new")}}, []string{"five@1", "four@1", "new@1", "three@1"}},
		"emptied after":                 {[]layer{bottom, {npm("a", "new"), {name: "a/.wh..wh..opq"}}}, []string{"five@1", "four@1", "new@1", "three@1"}},
		"all emptied":                   {[]layer{bottom, {{name: ".wh..wh..opq"}, npm("a", "new")}}, []string{"new@1"}},
		"removed and back":              {[]layer{bottom, {{name: ".wh.a"}}, {npm("a", "one")}}, []string{"five@1", "four@1", "one@1", "three@1"}},
		"replaced":                      {[]layer{bottom, {{name: "b/three/package.json", content: `{"name":"three","version":"2"}`}}}, []string{"five@1", "four@1", "one@1", "three@2", "two@1"}},
		"a file for it":                 {[]layer{bottom, {{name: "c", content: "x"}}}, []string{"five@1", "one@1", "three@1", "two@1"}},
		"a link for it":                 {[]layer{bottom, {{name: "d", content: "a", kind: tar.TypeSymlink}}}, []string{"four@1", "one@1", "three@1", "two@1"}},
		"a folder stays":                {[]layer{bottom, {{name: "c/", kind: tar.TypeDir}}}, []string{"five@1", "four@1", "one@1", "three@1", "two@1"}},
		"a folder for a file":           {[]layer{{{name: "app.war", content: "x"}}, {{name: "app.war", kind: tar.TypeDir}, npm("app.war", "one")}}, []string{"one@1"}},
		"a folder for a wanted file":    {[]layer{{npm("x", "gone")}, {{name: "x/gone/package.json/", kind: tar.TypeDir}}}, nil},
		"below a file for a folder":     {[]layer{bottom, {{name: "a", content: "x"}}, {npm("a", "new")}}, []string{"five@1", "four@1", "new@1", "three@1"}},
		"a folder for a link":           {[]layer{{npm("a", "one"), {name: "l", content: "a", kind: tar.TypeSymlink}}, {npm("l", "two")}}, []string{"one@1", "two@1"}},
		"through a link":                {[]layer{{{name: "a", kind: tar.TypeDir}, {name: "l", content: "/a", kind: tar.TypeSymlink}, npm("l", "one")}, {{name: "a/one/.wh.package.json"}}}, nil},
		"removed through a link":        {[]layer{bottom, {{name: "a", kind: tar.TypeDir}, {name: "l", content: "a", kind: tar.TypeSymlink}, {name: "l/.wh.one"}}}, []string{"five@1", "four@1", "three@1", "two@1"}},
		"removed and made in one layer": {[]layer{bottom, {npm("a", "new"), {name: ".wh.a"}}}, []string{"five@1", "four@1", "new@1", "three@1"}},
		"what AUFS kept":                {[]layer{bottom, {{name: ".wh..wh.plnk/x"}, {name: ".wh..wh.aufs"}}}, []string{"five@1", "four@1", "one@1", "three@1", "two@1"}},
		"a hard link":                   {[]layer{{npm("store", "one"), link("app/node_modules/one/package.json", "store/one/package.json")}}, []string{"one@1", "one@1"}},
		"a hard link from a store":      {[]layer{{{name: "store/ab/cdef", content: `{"name":"one","version":"1"}`}, link("app/one/package.json", "store/ab/cdef")}}, []string{"one@1"}},
		"its store removed":             {[]layer{{{name: "store/ab", content: `{"name":"one","version":"1"}`}, link("app/one/package.json", "store/ab")}, {{name: ".wh.store"}}}, []string{"one@1"}},
		"its target changed":            {[]layer{{npm("store", "one"), link("app/package.json", "store/one/package.json")}, {{name: "store/one/package.json", content: `{"name":"one","version":"2"}`}}}, []string{"one@1", "one@2"}},
		"to a lower layer":              {[]layer{{{name: "store/ab", content: `{"name":"one","version":"1"}`}}, {link("app/package.json", "./store/ab")}}, []string{"one@1"}},
		"a chain of links":              {[]layer{{{name: "s", content: `{"name":"one","version":"1"}`}, link("t", "s"), link("a/package.json", "/t")}}, []string{"one@1"}},
		"twice in one layer":            {[]layer{{npm("a", "one"), {name: "a/one/package.json", content: `{"name":"one","version":"2"}`}}}, []string{"one@2"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := names(scanned(t, saved(t, test.layers...))); !slices.Equal(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}

// Names and links in an image lead nowhere but into the scratch folder.
func TestHostileNames(t *testing.T) {
	outside := t.TempDir()
	scratch := filepath.Join(outside, "scratch")
	if err := os.Mkdir(scratch, 0o700); err != nil {
		t.Fatal(err)
	}
	manifest := `{"name":"evil","version":"1"}`
	found, err := scanFile(t.Context(), saved(t, layer{
		{name: "../package.json", content: manifest},
		{name: "a/../../package.json", content: manifest},
		{name: "link", content: outside, kind: tar.TypeSymlink},
		{name: "link/package.json", content: manifest},
		{name: "hard/package.json", content: "/etc/hostname", kind: tar.TypeLink},
		{name: "device/package.json", content: "", kind: tar.TypeBlock},
	}), scratch)
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(outside)
	if err != nil || len(left) != 1 {
		t.Errorf("outside there are %v, %v", left, err)
	}
	err = filepath.WalkDir(scratch, func(name string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !entry.Type().IsRegular() {
			t.Errorf("%s is %v", name, entry.Type())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, p := range found.Packages {
		if strings.Contains(p.Path, "..") {
			t.Errorf("a package at %s", p.Path)
		}
	}
}

// Entries of a layer that can't be extracted are listed.
func TestUnextractableEntries(t *testing.T) {
	found := scanned(t, saved(t, layer{
		{name: "a/package.json", content: "nowhere", kind: tar.TypeLink},
		{name: "file", content: "x"},
		{name: "file/package.json", content: `{"name":"one","version":"1"}`},
		{name: "loop", content: "loop", kind: tar.TypeSymlink},
		{name: "loop/package.json", content: `{"name":"one","version":"1"}`},
	}))
	if len(found.Unread) != 3 || len(found.Packages) != 0 {
		t.Errorf("%+v", found)
	}
}
