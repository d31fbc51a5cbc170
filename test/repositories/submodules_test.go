//go:build stack

package repositories

import (
	"fmt"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// submodules returns commits with a submodule at sub that attacks the server in its
// name, path, URL or settings, or by its depth.
func submodules(t *testing.T, env *environment) []commit {
	t.Helper()
	env.repository(t, "inner").add(files{"text": text("inner")})
	inner, err := gitserver.Git(t.Context(), env.GitRoot+"/inner.git", nil, "rev-parse", "main")
	if err != nil {
		t.Fatal(err)
	}
	recurse := map[string]any{"GITHUB_RECURSE_SUBMODULES": "True"}
	entry := func(name, path, url string) files {
		return files{
			".gitmodules": text(fmt.Sprintf("[submodule %q]\n\tpath = %s\n\turl = %s\n\tbranch = -u\n", name, path, url)),
			path:          {Mode: gitserver.Submodule, Content: inner},
		}
	}
	at := func(url string) func(repository) { return withFiles(entry("m", "sub", url)) }
	named := func(name string) func(repository) { return withFiles(entry(name, "sub", "../inner.git")) }
	linked := entry("m", "sub", "../inner.git")
	linked["real"], linked[".gitmodules"] = linked[".gitmodules"], link("real")
	command := entry("m", "sub", "../inner.git")
	command[".gitmodules"] = text(command[".gitmodules"].Content + "\tupdate = !touch owned\n")
	return []commit{
		{"submodule updated by a command", withFiles(command), recurse, `the value "!touch owned" is refused`},
		{"submodule by file", at("file://" + env.GitRoot + "/inner.git"), recurse, `has the scheme "file"`},
		{"submodule by path", at(env.GitRoot + "/inner.git"), recurse, "is no address of a remote repository"},
		{"submodule above the host", at("../../../../inner.git"), recurse, "leaves the host"},
		{"submodule by option", at("--upload-pack=touch"), recurse, "is no address of a remote repository"},
		{"submodule by short option", at("-u./owned"), recurse, "is no address of a remote repository"},
		{"submodule by command", at("ext::sh -c touch% owned"), recurse, "has a space"},
		{"submodule by host option", at("ssh://-oProxyCommand=touch/x"), recurse, "has the host"},
		{"submodule by path option", at("ssh://git@127.0.0.1/-oProxyCommand=touch"), recurse, "looks like an option"},
		{"submodule at an option", withFiles(entry("m", "--upload-pack=x", "../inner.git")), recurse, "looks like an option"},
		{"submodule name up", named("../../hooks"), recurse, "has no entry for it"},
		{"submodule name of hooks", named("x/.git/hooks"), recurse, "a name means .git"},
		{"submodules as link", withFiles(linked), recurse, "no file .gitmodules"},
		{"submodules not asked for", at("ext::sh"), nil, ""},
		{"submodule in itself", func(r repository) {
			content := files{"Dockerfile": text(minimal)}
			for range 12 {
				id := r.add(content)
				content = files{
					"Dockerfile":  text(minimal),
					".gitmodules": text("[submodule \"m\"]\n\tpath = sub\n\turl = ../" + r.name + ".git\n"),
					"sub":         {Mode: gitserver.Submodule, Content: id},
				}
			}
		}, recurse, "more than 10 submodules within submodules"},
		{"submodule with commands", at("../inner.git"), recurse, ""},
	}
}
