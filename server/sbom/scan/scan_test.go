package scan

import (
	"context"
	"debug/buildinfo"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/sbom"
)

func TestKindsOfPackages(t *testing.T) {
	for kind, test := range map[string]struct {
		layer layer
		want  []string
		purl  string // of the first package
	}{
		"nothing": {layer{{name: "hello", content: "hello"}}, nil, ""},
		"dpkg": {layer{{name: "usr/lib/os-release", content: release}, {name: "var/lib/dpkg/status", content: status("tzdata@2025b-0+deb12u1", "bash@5.2")}},
			[]string{"bash@5.2", "tzdata@2025b-0+deb12u1"}, "pkg:deb/debian/tzdata@2025b-0%2Bdeb12u1?arch=s390x&distro=bookworm"},
		"dpkg without a release": {layer{{name: "var/lib/dpkg/status", content: status("bash@5.2")}}, []string{"bash@5.2"}, "pkg:deb/linux/bash@5.2?arch=s390x"},
		"distroless":             {layer{{name: "var/lib/dpkg/status.d/base", content: "Package: base\nVersion: 1\nArchitecture: all\n\n"}}, []string{"base@1"}, "pkg:deb/linux/base@1?arch=all"},
		"apk": {layer{{name: "etc/os-release", content: "ID=alpine\nVERSION_ID=3.20.1\n"}, {name: "lib/apk/db/installed", content: "P:musl\nV:1.2.5-r0\nA:s390x\nL:MIT\n\n"}},
			[]string{"musl@1.2.5-r0"}, "pkg:apk/alpine/musl@1.2.5-r0?arch=s390x&distro=3.20.1"},
		"npm": {layer{{name: "app/node_modules/left-pad/package.json", content: `{"name":"left-pad","version":"1.3.0"}`}}, []string{"left-pad@1.3.0"}, "pkg:npm/left-pad@1.3.0"},
		"python": {layer{{name: "usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA", content: "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n\n"}},
			[]string{"six@1.16.0"}, "pkg:pypi/six@1.16.0"},
		"java": {layer{{name: "app/lib.jar", content: jar(t)}}, []string{"com.example:lib@1.0.0"}, "pkg:maven/com.example/lib@1.0.0"},
		"ruby": {layer{{name: "usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.4.gemspec", content: "Gem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"2.2.4\"\nend\n"}},
			[]string{"rack@2.2.4"}, "pkg:gem/rack@2.2.4"},
		"names with a dot before": {layer{{name: "./var/lib/dpkg/status", content: status("bash@5.2")}}, []string{"bash@5.2"}, ""},
	} {
		t.Run(kind, func(t *testing.T) {
			found := scanned(t, saved(t, test.layer))
			if got := names(found); !slices.Equal(got, test.want) || len(found.Unread) != 0 {
				t.Fatalf("found %q, unread %v, want %q", got, found.Unread, test.want)
			}
			if test.purl != "" && found.Packages[0].PURL != test.purl {
				t.Errorf("package URL %s, want %s", found.Packages[0].PURL, test.purl)
			}
		})
	}
}

func TestGoBinary(t *testing.T) {
	content := goProgram(t)
	built, err := buildinfo.Read(strings.NewReader(content))
	if err != nil || len(built.Deps) != 1 {
		t.Fatalf("%v, %v", built, err)
	}
	uuid := built.Deps[0]
	want := []sbom.Package{
		{Name: uuid.Path, Version: strings.TrimPrefix(uuid.Version, "v"), PURL: "pkg:golang/" + uuid.Path + "@" + strings.TrimPrefix(uuid.Version, "v"), Path: "/usr/bin/app"},
		{Name: "go", Version: strings.TrimPrefix(built.GoVersion, "go"), PURL: "pkg:golang/go@" + strings.TrimPrefix(built.GoVersion, "go"), Path: "/usr/bin/app"},
	}
	found := scanned(t, saved(t, layer{{name: "usr/bin/app", content: content, mode: 0o755}}))
	for _, p := range want {
		if !slices.Contains(found.Packages, p) {
			t.Errorf("%+v is not among %+v", p, found.Packages)
		}
	}
	if plain := scanned(t, saved(t, layer{{name: "usr/bin/app", content: content}})); len(plain.Packages) != 0 {
		t.Errorf("a file that can't be run has %+v", plain.Packages)
	}
}

// Files that can't be read are listed, and don't fail the scan.
func TestUnreadableFiles(t *testing.T) {
	program := goProgram(t)
	truncated := jar(t)
	found := scanned(t, saved(t, layer{
		{name: "app/broken.jar", content: strings.Repeat("PK\x03\x04 this is no archive ", 10)},
		{name: "app/truncated.jar", content: truncated[:len(truncated)/2]},
		{name: "app/app.deps.json", content: `{"runtimeTarget": {"name": ".NETCoreApp`},
		{name: "app/program", content: program[:len(program)*3/4], mode: 0o755},
		{name: "app/no-go-program", content: "\x7fELF and no more", mode: 0o755},
		{name: "app/package.json", content: "{"},
		{name: "lib/apk/db/installed", content: "P:musl\nV:1.2.5-r0\nthis is not\n\n"},
		{name: "usr/lib/sysimage/rpm/rpmdb.sqlite", content: "SQLite format 3\x00 and no more"},
		{name: "var/lib/dpkg/status", content: status("bash@5.2")},
		{name: "var/lib/rpm/Packages", content: ""}, // of an image before its first package
	}))
	var unread []string
	for _, file := range found.Unread {
		unread = append(unread, file.Path)
	}
	slices.Sort(unread)
	want := []string{"/app/app.deps.json", "/app/broken.jar", "/app/package.json", "/app/program", "/app/truncated.jar", "/lib/apk/db/installed", "/usr/lib/sysimage/rpm/rpmdb.sqlite"}
	if !slices.Equal(unread, want) || !slices.Contains(names(found), "bash@5.2") {
		t.Errorf("unread %q, want %q; packages %q; %v", unread, want, names(found), found.Unread)
	}
}

func TestNoImage(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := scanFile(t.Context(), text, t.TempDir()); err == nil {
		t.Error("a text is an image")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := scanFile(ctx, saved(t, layer{{name: "hello"}}), t.TempDir()); !errors.Is(err, stopped) {
		t.Errorf("an ended context: %v", err)
	}
}

func TestImageWithoutLayers(t *testing.T) {
	if found := scanned(t, saved(t)); len(found.Packages) != 0 || len(found.Unread) != 0 {
		t.Errorf("found %+v", found)
	}
}
