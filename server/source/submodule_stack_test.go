//go:build stack

package source

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/source/gitstore"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"golang.org/x/crypto/ssh"
)

// modules writes a .gitmodules of one entry.
func modules(name, path, url string) gitserver.File {
	return gitserver.File{Content: fmt.Sprintf("[submodule %q]\n\tpath = %s\n\turl = %s\n", name, path, url)}
}

func TestSubmodules(t *testing.T) {
	for _, any := range []bool{true, false} {
		t.Run(fmt.Sprintf("any commit %v", any), func(t *testing.T) {
			s := newStack(t, gitserver.Options{AllowAnySHA1InWant: any})
			inner := s.create(t, "libs/inner.git", sample("inner"))
			s.commit(t, "libs/inner.git", gitserver.Change{Files: sample("newer, not the one that is named")})
			middle := s.create(t, "libs/middle.git", map[string]gitserver.File{
				".gitmodules":  modules("deep/inner", "vendor/inner", "../inner.git"),
				"vendor/inner": {Mode: gitserver.Submodule, Content: inner},
				"middle.txt":   {Content: "middle"},
			})
			top := map[string]gitserver.File{
				".gitmodules": modules("middle", "ext/middle", "../../libs/middle.git"),
				"ext/middle":  {Mode: gitserver.Submodule, Content: middle},
				"ext/link":    {Mode: gitserver.Symlink, Content: "middle/vendor"},
				"top.txt":     {Content: "top"},
			}
			commit := s.create(t, "main/top.git", top)
			for _, request := range []Request{s.ssh("main/top.git"), s.https("main/top.git")} {
				t.Run(request.URL[:5], func(t *testing.T) {
					request.Submodules = true
					dir, checkout := clone(t, request)
					base, _, _ := strings.Cut(request.URL, "/main/")
					want := []Submodule{
						{"ext/middle", base + "/libs/middle.git", middle},
						{"ext/middle/vendor/inner", base + "/libs/inner.git", inner},
					}
					if !slices.Equal(checkout.Submodules, want) {
						t.Errorf("got %+v\nwant %+v", checkout.Submodules, want)
					}
					again, _ := clone(t, request)
					if paths := differing(snapshot(t, dir), snapshot(t, again)); len(paths) > 0 {
						t.Errorf("two clones differ in %q", paths)
					}
					audit(t, dir, commit)
					audit(t, filepath.Join(dir, "ext/middle"), middle)
					audit(t, filepath.Join(dir, "ext/middle/vendor/inner"), inner)
					status := git(t, dir, "", "submodule", "status", "--recursive")
					for line := range strings.Lines(status) {
						if !strings.HasPrefix(line, " ") {
							t.Errorf("git submodule status: %s", line)
						}
					}
					if strings.Count(status, "\n") != 1 {
						t.Errorf("git submodule status: %s", status)
					}
				})
			}
			t.Run("not asked for", func(t *testing.T) {
				dir, checkout := clone(t, s.ssh("main/top.git"))
				audit(t, dir, commit)
				if len(checkout.Submodules) > 0 {
					t.Errorf("got %+v", checkout.Submodules)
				}
			})
		})
	}
}

func TestHostileSubmodules(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	inner := s.create(t, "inner.git", sample("inner"))
	link := gitserver.File{Mode: gitserver.Submodule, Content: inner}
	inURL := func(url string) map[string]gitserver.File {
		return map[string]gitserver.File{".gitmodules": modules("m", "sub", url), "sub": link}
	}
	inName := func(name string) map[string]gitserver.File {
		return map[string]gitserver.File{".gitmodules": modules(name, "sub", "../inner.git"), "sub": link}
	}
	for name, files := range map[string]map[string]gitserver.File{
		"file":               inURL("file://" + s.root + "/inner.git"),
		"local path":         inURL(s.root + "/inner.git"),
		"ext":                inURL("ext::sh -c touch%20/tmp/owned"),
		"option":             inURL("--upload-pack=touch"),
		"option as host":     inURL("ssh://-oProxyCommand=touch/x"),
		"above the host":     inURL("../../../../x.git"),
		"git protocol":       inURL("git://127.0.0.1/inner.git"),
		"name up":            inName("../../hooks"),
		"name .git":          inName("a/.GIT/b"),
		"path as an option":  {".gitmodules": modules("m", "--upload-pack=owned", "../inner.git"), "--upload-pack=owned": link},
		"no .gitmodules":     {"sub": link},
		"linked .gitmodules": {".gitmodules": {Mode: gitserver.Symlink, Content: "real"}, "real": modules("m", "sub", "../inner.git"), "sub": link},
		"names within names": {
			".gitmodules": {Content: modules("a", "sub", "../inner.git").Content + modules("a/objects", "other", "../inner.git").Content},
			"sub":         link, "other": link,
		},
	} {
		t.Run(name, func(t *testing.T) {
			repository := strings.ReplaceAll(name, " ", "-") + ".git"
			s.create(t, repository, files)
			request := s.ssh(repository)
			request.Submodules = true
			if err := refuse(t, request); !strings.Contains(err.Error(), "submodule") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Submodules that contain each other without end.
func TestSubmoduleDepth(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	inner := s.create(t, "0.git", sample("inner"))
	for i := range maxSubmoduleDepth + 1 {
		inner = s.create(t, fmt.Sprintf("%d.git", i+1), map[string]gitserver.File{
			".gitmodules": modules("m", "sub", fmt.Sprintf("../%d.git", i)),
			"sub":         {Mode: gitserver.Submodule, Content: inner},
		})
	}
	request := s.ssh(fmt.Sprintf("%d.git", maxSubmoduleDepth))
	request.Submodules = true
	_, checkout := clone(t, request)
	if len(checkout.Submodules) != maxSubmoduleDepth {
		t.Errorf("%d submodules", len(checkout.Submodules))
	}
	request = s.ssh(fmt.Sprintf("%d.git", maxSubmoduleDepth+1))
	request.Submodules = true
	var limit *gitstore.LimitError
	if err := refuse(t, request); !errors.As(err, &limit) {
		t.Errorf("got %v", err)
	}
}

// Few objects that mean many clones.
func TestManySubmodules(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	inner := s.create(t, "inner.git", sample("inner"))
	files := map[string]gitserver.File{}
	var text strings.Builder
	for i := range 4 {
		name := fmt.Sprintf("m%d", i)
		text.WriteString(modules(name, name, "../inner.git").Content)
		files[name] = gitserver.File{Mode: gitserver.Submodule, Content: inner}
	}
	files[".gitmodules"] = gitserver.File{Content: text.String()}
	s.create(t, "clones.git", files)
	for i := range MaxSubmodules {
		files[fmt.Sprintf("n%d", i)] = gitserver.File{Mode: gitserver.Submodule, Content: inner}
	}
	s.create(t, "links.git", files)
	for name, most := range map[string]int64{"clones.git": 3, "links.git": MaxSubmodules} {
		t.Run(name, func(t *testing.T) {
			request := s.ssh(name)
			request.Submodules = true
			c, err := newCloner(request, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.left.submodules = gitstore.NewBudget("submodules", most)
			_, err = c.clone(t.Context(), filepath.Join(t.TempDir(), "tree"))
			var limit *gitstore.LimitError
			if !errors.As(err, &limit) || *limit != (gitstore.LimitError{What: "submodules", Limit: most}) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What .gitmodules has, names of submodules too, becomes no setting of the
// clone but the URL.
func TestSubmodulesThatAreCommands(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	inner := s.create(t, "inner.git", sample("inner"))
	const command = "[core]\n\tfsmonitor = touch owned\n"
	for i, name := range []string{`a]`, `a\"]`, `a\"] fsmonitor = touch owned #`, "a;b#c", "a b=c", "-x", "core.fsmonitor"} {
		t.Run(name, func(t *testing.T) {
			repository := fmt.Sprintf("command-%d.git", i)
			text := command + "[include]\n\tpath = evil\n" + modules("x", "sub", "../inner.git").Content + "\tbranch = --upload-pack=owned\n"
			text = strings.Replace(text, `"x"`, `"`+name+`"`, 1)
			commit := s.create(t, repository, map[string]gitserver.File{
				".gitmodules": {Content: text}, "evil": {Content: command}, "sub": {Mode: gitserver.Submodule, Content: inner},
			})
			request := s.ssh(repository)
			request.Submodules = true
			dir, _ := clone(t, request)
			keys := git(t, dir, "", "config", "--local", "--name-only", "--list")
			if strings.Count(keys, "\n")+1 != 7 || !strings.HasSuffix(keys, ".active") && !strings.HasSuffix(keys, ".url") {
				t.Errorf("the clone has the settings %q", keys)
			}
			audit(t, dir, commit)
		})
	}
}

// The token of one host is not shown to another, not even for a submodule.
func TestSubmoduleOfAnotherHost(t *testing.T) {
	other := newStack(t, gitserver.Options{User: "ada", Token: "secret"})
	inner := other.create(t, "inner.git", sample("inner"))
	s := newStack(t, gitserver.Options{User: "ada", Token: "secret"})
	s.create(t, "same.git", map[string]gitserver.File{
		".gitmodules": modules("m", "sub", other.HTTPSURL("inner.git")),
		"sub":         {Mode: gitserver.Submodule, Content: inner},
	})
	request := s.https("same.git")
	request.User, request.Token, request.Submodules = "ada", "secret", true
	request.CABundle = append(request.CABundle, other.CABundle()...)
	if err := refuse(t, request); !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), `submodule "sub"`) {
		t.Errorf("got %v", err)
	}
}

// Nor is the key: the other server would take it, but is not asked to.
func TestSubmoduleOfAnotherSSHHost(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	signer, err := ssh.ParsePrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	other := newStack(t, gitserver.Options{AuthorizedKeys: []ssh.PublicKey{signer.PublicKey()}})
	inner := other.create(t, "inner.git", sample("inner"))
	s.create(t, "top.git", map[string]gitserver.File{
		".gitmodules": modules("m", "sub", other.SSHURL("inner.git")),
		"sub":         {Mode: gitserver.Submodule, Content: inner},
	})
	request := s.ssh("top.git")
	request.Submodules = true
	request.KnownHosts = append(request.KnownHosts, other.KnownHosts()...)
	if err := refuse(t, request); !errors.Is(err, ErrCredentials) {
		t.Errorf("got %v", err)
	}
}
