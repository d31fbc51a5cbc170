package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/builder/solve"
)

func TestRequestIsChecked(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(file, []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	link, fileLink := filepath.Join(dir, "link"), filepath.Join(dir, "Dockerfile.link")
	for name, target := range map[string]string{link: dir, fileLink: file} {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	tags := []string{"registry.example/a:b"}
	// A folder with a file of a size, and links by which the ignore file can be
	// more than it seems.
	with := func(name string, size int64, links map[string]string) BuildRequest {
		folder, err := filepath.EvalSymlinks(t.TempDir())
		for _, made := range []string{"Dockerfile", name} {
			err = errors.Join(err, os.WriteFile(filepath.Join(folder, made), nil, 0o600))
		}
		err = errors.Join(err, os.Truncate(filepath.Join(folder, name), size))
		for link, target := range links {
			err = errors.Join(err, os.Symlink(target, filepath.Join(folder, link)))
		}
		if err != nil {
			t.Fatal(err)
		}
		return BuildRequest{ContextDir: folder, Dockerfile: filepath.Join(folder, "Dockerfile"), Tags: tags}
	}
	const largest = solve.MaxDockerfile
	cases := map[string]struct {
		request BuildRequest
		says    string
	}{
		"good":                 {BuildRequest{ContextDir: dir, Dockerfile: file, Tags: tags}, ""},
		"relative":             {BuildRequest{ContextDir: ".", Dockerfile: file, Tags: tags}, "not absolute"},
		"absent":               {BuildRequest{ContextDir: dir, Dockerfile: file + "x", Tags: tags}, "no such file"},
		"linked context":       {BuildRequest{ContextDir: link, Dockerfile: file, Tags: tags}, "symbolic link"},
		"linked folder":        {BuildRequest{ContextDir: dir, Dockerfile: filepath.Join(link, "Dockerfile"), Tags: tags}, "symbolic link"},
		"linked Dockerfile":    {BuildRequest{ContextDir: dir, Dockerfile: fileLink, Tags: tags}, "symbolic link"},
		"largest Dockerfile":   {with("Dockerfile", largest, nil), ""},
		"larger Dockerfile":    {with("Dockerfile", largest+1, nil), "at most 4194304 are allowed"},
		"larger ignore file":   {with(".dockerignore", largest+1, nil), "at most 4194304 are allowed"},
		"own ignore file":      {with("Dockerfile.dockerignore", largest+1, nil), "at most 4194304 are allowed"},
		"linked ignore file":   {with("a", 0, map[string]string{".dockerignore": "a"}), ""},
		"linked larger one":    {with("a", largest+1, map[string]string{".dockerignore": "a"}), "at most 4194304 are allowed"},
		"ignore file outside":  {with("a", 0, map[string]string{".dockerignore": file}), "within its folder"},
		"no tag":               {BuildRequest{ContextDir: dir, Dockerfile: file}, "no tag"},
		"tag with a comma":     {BuildRequest{ContextDir: dir, Dockerfile: file, Tags: []string{"a:b,c:d"}}, "invalid reference"},
		"repository for a tag": {BuildRequest{ContextDir: dir, Dockerfile: file, Tags: []string{"registry.example/a"}}, "not of the form"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := c.request.check()
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("error %v, want one with %q", err, c.says)
			}
		})
	}
}

func TestBuildArgsDoNotChooseTheCache(t *testing.T) {
	r := BuildRequest{Dockerfile: "/x/Dockerfile", Args: map[string]string{"A": "1", "BUILDKIT_CACHE_MOUNT_NS": "old"}}
	first, second := frontendAttrs(r), frontendAttrs(r)
	const namespace = "build-arg:BUILDKIT_CACHE_MOUNT_NS"
	if first[namespace] == "old" || first[namespace] == second[namespace] {
		t.Errorf("namespaces %q and %q", first[namespace], second[namespace])
	}
	if _, uncached := first["no-cache"]; !uncached || first["build-arg:A"] != "1" || first["filename"] != "Dockerfile" {
		t.Errorf("attributes %v", first)
	}
}

func TestNoEngine(t *testing.T) {
	host := "unix://" + filepath.Join(t.TempDir(), "absent.sock")
	_, err := Connect(t.Context(), host, Automatic)
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), host) || !strings.Contains(err.Error(), "systemctl start docker") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Connect(ctx, host, Automatic); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
}
