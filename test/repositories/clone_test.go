//go:build stack

package repositories

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// commit is a test case: a commit that the server builds or refuses.
type commit struct {
	name    string
	make    func(r repository)
	changes map[string]any // to the parameters
	refused string         // part of the cause; empty when the build must succeed
}

// withDockerfile returns a function that makes a commit of a tree with a Dockerfile
// and other entries, which must sort after it.
func withDockerfile(entries ...gitserver.Entry) func(r repository) {
	return func(r repository) {
		all := append([]gitserver.Entry{{Mode: "100644", Name: "Dockerfile", ID: r.blob(minimal)}}, entries...)
		r.commit(r.tree(r.withBlobs(all)...), "", "hostile")
	}
}

// withBlobs sets the blob of the entries that have none.
func (r repository) withBlobs(entries []gitserver.Entry) []gitserver.Entry {
	for i := range entries {
		if entries[i].ID == "" {
			entries[i].ID = r.blob("owned")
		}
	}
	return entries
}

// inOrder is like withDockerfile, but sorts all entries as git does.
func inOrder(entries ...gitserver.Entry) func(r repository) {
	return func(r repository) {
		all := r.withBlobs(append(entries, gitserver.Entry{Mode: "100644", Name: "Dockerfile", ID: r.blob(minimal)}))
		slices.SortFunc(all, func(a, b gitserver.Entry) int { return strings.Compare(a.Name, b.Name) })
		r.commit(r.tree(all...), "", "hostile")
	}
}

// withFiles returns a function that makes a commit of files with git. It adds a
// Dockerfile unless there is one.
func withFiles(content files) func(r repository) {
	return func(r repository) {
		if _, has := content["Dockerfile"]; !has {
			content["Dockerfile"] = text(minimal)
		}
		r.add(content)
	}
}

// link returns a symbolic link.
func link(target string) gitserver.File {
	return gitserver.File{Mode: gitserver.Symlink, Content: target}
}

// Malicious content of a commit is refused or built without harm. server/source tests
// each name, and everything else that git itself refuses.
func TestCommits(t *testing.T) {
	env := shared
	outside := t.TempDir()
	canary := filepath.Join(outside, "canary")
	if err := os.WriteFile(canary, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	dates := func(date string) func(r repository) {
		return func(r repository) {
			tree := r.tree(gitserver.Entry{Mode: "100644", Name: "Dockerfile", ID: r.blob(minimal)})
			who := "Ada Lovelace <ada@example.com> " + date
			r.rawCommit("tree " + tree + "\nauthor " + who + "\ncommitter " + who + "\n\nhostile")
		}
	}
	folders := func(depth int) func(r repository) {
		return func(r repository) {
			tree := r.tree(gitserver.Entry{Mode: "100644", Name: "f", ID: r.blob("x")})
			for range depth {
				tree = r.tree(gitserver.Entry{Mode: "40000", Name: "d", ID: tree})
			}
			withDockerfile(gitserver.Entry{Mode: "40000", Name: "d", ID: tree})(r)
		}
	}
	for _, c := range slices.Concat(
		// Names.
		[]commit{
			{"folder above", withDockerfile(gitserver.Entry{Mode: "100644", Name: "a/../../owned"}), nil, "a name holds a slash"},
			{"dot git", withDockerfile(gitserver.Entry{Mode: "100644", Name: "GIT~1"}), nil, "a name means .git on some file system"},
			{"out of order", withDockerfile(gitserver.Entry{Mode: "100644", Name: "A"}), nil, "out of order"},
			{"twice", withDockerfile(gitserver.Entry{Mode: "100644", Name: "Dockerfile"}), nil, "out of order, or one is there twice"},
			{"long name", withDockerfile(gitserver.Entry{Mode: "100644", Name: strings.Repeat("x", 300)}), nil, "longer than 255 bytes"},
			{"no text", withDockerfile(gitserver.Entry{Mode: "100644", Name: "a\xff\xfe"}), nil, "a name is not UTF-8"},
			{"odd names", func(r repository) {
				var entries []gitserver.Entry
				for _, name := range []string{"a\nb\x1b[2J\x7f", `run-kata\x2dpods.mount`, `a\b`, "README", "readme", "\u00fc", "u\u0308", "\u202eexe.txt", "--help", "-rf", "$(touch owned)", "`touch owned`", "*", " ", "%s%n", "'", "\""} {
					entries = append(entries, gitserver.Entry{Mode: "100644", Name: name})
				}
				inOrder(entries...)(r)
			}, nil, ""},
			{"deep", folders(150), nil, ""},
			{"deeper", folders(400), nil, "more than 200 folders within folders"},
			{"long path", func(r repository) {
				tree := r.tree(gitserver.Entry{Mode: "100644", Name: "f", ID: r.blob("x")})
				for range 20 {
					tree = r.tree(gitserver.Entry{Mode: "40000", Name: strings.Repeat("d", 250), ID: tree})
				}
				withDockerfile(gitserver.Entry{Mode: "40000", Name: "d", ID: tree})(r)
			}, nil, "more than 4,096 bytes in a path"},
			{"path of allowed length", func(r repository) {
				tree := r.tree(gitserver.Entry{Mode: "100644", Name: "f", ID: r.blob("x")})
				for range 16 {
					tree = r.tree(gitserver.Entry{Mode: "40000", Name: strings.Repeat("d", 254), ID: tree})
				}
				withDockerfile(gitserver.Entry{Mode: "40000", Name: "d", ID: tree})(r)
			}, nil, ""},
		},
		// Links and modes.
		[]commit{
			{"odd modes", func(r repository) {
				entries := []gitserver.Entry{
					{Mode: "106755", Name: "setuid"}, {Mode: "100777", Name: "writable"}, {Mode: "60000", Name: "sda"},
					{Mode: "160000", Name: "submodule of nothing", ID: strings.Repeat("0a", 20)},
				}
				for i, target := range []string{canary, "../../../../../../etc", "/proc/self/environ", "link4", ".git/config", "link4/.."} {
					entries = append(entries, gitserver.Entry{Mode: "120000", Name: fmt.Sprintf("link%d", i), ID: r.blob(target)})
				}
				inOrder(entries...)(r)
			}, nil, ""},
			{"link then folder", func(r repository) {
				sub := r.tree(gitserver.Entry{Mode: "100644", Name: "canary", ID: r.blob("owned")})
				withDockerfile(gitserver.Entry{Mode: "120000", Name: "a", ID: r.blob(outside)}, gitserver.Entry{Mode: "40000", Name: "a", ID: sub})(r)
			}, nil, "one is there twice"},
			{"Dockerfile as link out", withFiles(files{"Dockerfile": link(canary)}), nil, "is a symbolic link that leaves the repository"},
			{"Dockerfile through links", withFiles(files{"a": link("b"), "b": link(outside)}), map[string]any{"DOCKERFILE_PATH": "a/canary"}, "is a symbolic link that leaves the repository"},
			{"Dockerfile as folder", withFiles(files{"Dockerfile/x": text("")}), nil, "Dockerfile"},
			{"context as link out", withFiles(files{"context": link("../../../../..")}), map[string]any{"DOCKER_BUILD_PATH": "context"}, "is a symbolic link that leaves the repository"},
			{"links in a loop", withFiles(files{"context": link("loop"), "loop": link("context")}), map[string]any{"DOCKER_BUILD_PATH": "context"}, "too many links"},
			{"ignore file as link out", withFiles(files{".dockerignore": link(canary)}), nil, "it must be a file within its folder"},
		},
		// Commits.
		[]commit{
			{"year 10000", dates("253402300800 +0000"), nil, "has no date between"},
			{"largest int64 date", dates("9223372036854775807 +0000"), nil, "has no date between"},
			{"date above int64", dates("99999999999999999999999 +9999"), nil, "has no date between"},
			{"negative date", dates("-99999999999999 -1234"), nil, "has no date between"},
			{"forged header", func(r repository) {
				tree := r.tree(gitserver.Entry{Mode: "100644", Name: "Dockerfile", ID: r.blob(minimal)})
				r.commit(tree, "encoding \x1b[2J\xff\ngpgsig -----BEGIN PGP SIGNATURE-----\n forged\n -----END PGP SIGNATURE-----\nmergetag x\n", "\x1b]0;owned\a\xff\x00")
			}, nil, ""},
			{"two trees", func(r repository) {
				tree := r.tree(gitserver.Entry{Mode: "100644", Name: "Dockerfile", ID: r.blob(minimal)})
				other := r.tree(gitserver.Entry{Mode: "100644", Name: "Dockerfile", ID: r.blob("FROM scratch\nCOPY none /\n")})
				r.commit(tree, "tree "+other+"\n", "two trees")
			}, nil, ""},
			{"huge message", func(r repository) {
				tree := r.tree(gitserver.Entry{Mode: "100644", Name: "Dockerfile", ID: r.blob(minimal)})
				r.commit(tree, "", strings.Repeat("x", 33<<20))
			}, nil, "bytes in the commit"},
			{"replaced and grafted", func(r repository) {
				id := r.add(files{"Dockerfile": text(minimal)})
				other := r.object("commit", "tree "+r.tree()+"\nauthor "+author+"\ncommitter "+author+"\n\nempty")
				replace := filepath.Join(r.folder, "refs/replace")
				if err := os.MkdirAll(replace, 0o755); err != nil {
					r.t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(replace, id), []byte(other+"\n"), 0o600); err != nil {
					r.t.Fatal(err)
				}
			}, nil, ""},
		},
		submodules(t, env),
		// Commands that git would run, and the server must not.
		[]commit{
			{"hooks and filters", withFiles(files{
				".gitattributes":      text("* filter=run diff=run merge=run text eol=crlf ident export-subst working-tree-encoding=UTF-16\n"),
				".gitconfig":          text("[filter \"run\"]\n\tsmudge = touch " + canary + "\n[core]\n\tfsmonitor = rm " + canary + "\n\tsshCommand = rm " + canary + "\n\thooksPath = hooks\n"),
				"hooks/post-checkout": {Mode: gitserver.Executable, Content: "#!/bin/sh\nrm " + canary + "\n"},
				"config":              text("[core]\n\tfsmonitor = rm " + canary + "\n"), "HEAD": text("ref: refs/heads/main\n"), "objects/x": text(""), "refs/x": text(""),
				"crlf.txt": text("one\ntwo $Id$\n"),
			}), nil, ""},
		},
	) {
		t.Run(c.name, func(t *testing.T) {
			name := "commit-" + strings.ReplaceAll(strings.ToLower(c.name), " ", "-")
			c.make(env.repository(t, name))
			built := env.build(t, name, c.changes)
			if c.refused == "" {
				built.mustSucceed(t)
				env.checkManifest(t, name)
			} else {
				built.mustFail(t, c.refused)
			}
			found, err := os.ReadDir(outside)
			if content, failed := os.ReadFile(canary); err != nil || failed != nil || len(found) != 1 || string(content) != "untouched" {
				t.Errorf("outside of the clone, the folder has %v and the canary %q, %v, %v", found, content, err, failed)
			}
		})
	}
}

// A branch whose name a program could take for an option is refused with the
// parameters.
func TestBranchNamesLikeOptions(t *testing.T) {
	env := shared
	for _, branch := range []string{"--upload-pack=touch", "-u", "a..b", "a b", "a\x1b[2J", "../main", "refs/heads/a.lock", "@{-1}"} {
		_, err := env.Client.Init(t.Context(), env.ParametersFor(t, "none", map[string]any{"GITHUB_BRANCH": branch}))
		if err == nil || !strings.Contains(err.Error(), "is not a name that git allows") {
			t.Errorf("%q: %v", branch, err)
		}
	}
}

// The log warns of pointers of Git LFS whose content is not built.
func TestLFSPointers(t *testing.T) {
	env := shared
	env.repository(t, "pointers").add(files{
		"Dockerfile":     text(minimal),
		".gitattributes": text("*.bin filter=lfs diff=lfs merge=lfs -text\n"),
		"large.bin":      text("version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("0a", 32) + "\nsize 12345\n"),
	})
	built := env.build(t, "pointers", nil)
	built.mustSucceed(t)
	env.checkManifest(t, "pointers")
	if !strings.Contains(built.log, "1 of the files are pointers of Git LFS") {
		t.Errorf("the log doesn't mention the pointer:\n%s", tail(built.log))
	}
}

// checkManifest compares the manifest's git folder with the commit that was built: the
// tree must be the same, and the checked out files those of the tree.
func (env *environment) checkManifest(t *testing.T, name string) {
	t.Helper()
	dir := t.TempDir()
	archive, _, err := env.Client.SaveManifest(t.Context(), "", dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, ending := range []string{".sig.tbz", ".tbz"} {
		command := exec.CommandContext(t.Context(), "tar", "--force-local", "--no-same-owner", "-xjf", archive+ending)
		command.Dir = dir
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
	}
	got, err := gitserver.Git(t.Context(), filepath.Join(dir, "git"), nil, "rev-parse", "HEAD^{tree}")
	want, failed := gitserver.Git(t.Context(), filepath.Join(env.GitRoot, name+".git"), nil, "--no-replace-objects", "rev-parse", "main^{tree}")
	if err != nil || failed != nil || got != want {
		t.Errorf("the manifest has the tree %q, want %q; %v, %v", got, want, err, failed)
	}
	changed, err := gitserver.Git(t.Context(), filepath.Join(dir, "git"), nil, "status", "--porcelain", "--ignore-submodules")
	if err != nil || changed != "" {
		t.Errorf("files in the manifest differ from the commit: %q, %v", changed, err)
	}
}
