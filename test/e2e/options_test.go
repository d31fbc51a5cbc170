//go:build stack

package e2e

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

// pull pulls the image of the latest build, which the test's cleanup removes, and
// returns its reference by digest.
func (env *environment) pull(t *testing.T, image string) (reference string) {
	t.Helper()
	reference, err := env.Client.ImageDigest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(reference, image+"@") {
		t.Fatalf("the latest image is %s, not one of %s", reference, image)
	}
	kit.MustExecute(t, "", env.DockerEnvironment(t), "", "docker", "pull", "--quiet", reference)
	t.Cleanup(func() { env.removeImages(t, image) })
	return reference
}

// container runs a container without a network and returns its output.
func (env *environment) container(t *testing.T, stdin string, arguments ...string) string {
	t.Helper()
	return kit.MustExecute(t, "", nil, stdin, "docker",
		append([]string{"run", "--rm", "--interactive", "--network", "none"}, arguments...)...).Out
}

// The guide's table of DOCKERFILE_PATH and DOCKER_BUILD_PATH: each Dockerfile with
// each build context.
func TestDockerfileAndBuildPaths(t *testing.T) {
	env := shared
	dockerfile := func(at string) string {
		return "FROM " + env.BaseImage + "\nADD dirname .\n" +
			`RUN echo "build dir at $(cat dirname), and Dockerfile at ` + at + `." > /page` + "\nCMD [\"cat\", \"/page\"]\n"
	}
	env.repository(t, "paths.git", files{
		"Dockerfile": dockerfile("top"), "dirname": "top\n",
		"work/Dockerfile": dockerfile("work"), "work/dirname": "work\n",
	})
	for _, test := range []struct{ dockerfile, context, want string }{
		{"Dockerfile", "", "build dir at top, and Dockerfile at top.\n"},
		{"Dockerfile", "work", "build dir at work, and Dockerfile at top.\n"},
		{"work/Dockerfile", "", "build dir at top, and Dockerfile at work.\n"},
		{"work/Dockerfile", "work", "build dir at work, and Dockerfile at work.\n"},
	} {
		t.Run(test.dockerfile+" in "+test.context, func(t *testing.T) {
			env.Initialise(t, "paths", map[string]any{"DOCKERFILE_PATH": test.dockerfile, "DOCKER_BUILD_PATH": test.context})
			env.MustBuild(t)
			if got := env.container(t, "", env.pull(t, env.ImageOf("paths"))); got != test.want {
				t.Errorf("the image prints %q, want %q", got, test.want)
			}
		})
	}
}

// A Dockerfile may use build arguments, several stages and an ignore file.
func TestDockerfileFeatures(t *testing.T) {
	env := shared
	const value = `it's "quoted", $HOME and <bracketed> = ü`
	env.prepare(t, "features", files{
		"Dockerfile": "ARG BASE\nFROM ${BASE} AS build\nARG TEXT\nCOPY . /all\n" +
			`RUN echo "$TEXT" > /page && ls -A /all >> /page` + "\n" +
			"FROM ${BASE}\nCOPY --from=build /page /page\nCMD [\"cat\", \"/page\"]\n",
		".dockerignore": ".git\n*.secret\n!kept.secret\nDockerfile\n",
		"left.secret":   "left out\n", "kept.secret": "kept\n", "plain": "plain\n",
	}, map[string]any{"ARG": map[string]any{"BASE": env.BaseImage, "TEXT": value}})
	env.MustBuild(t)
	if got, want := env.container(t, "", env.pull(t, env.ImageOf("features"))), value+"\n.dockerignore\nkept.secret\nplain\n"; got != want {
		t.Errorf("the image prints\n%s\nwant\n%s", got, want)
	}
	record := env.record(t)
	if len(record.BaseImages) != 1 || record.BaseImages[0].Reference != env.BaseImage {
		t.Errorf("base images %+v, want %s once", record.BaseImages, env.BaseImage)
	}
}

func TestBranchesTagsAndCommits(t *testing.T) {
	env := shared
	first := env.repository(t, "references.git", hello)
	second := env.commit(t, "references.git", files{"Dockerfile": hello["Dockerfile"], "hello": "second\n"})
	branch, err := gitserver.Commit(t.Context(), env.GitRoot, "references.git", gitserver.Change{
		Branch: "feature/one", Files: files{"Dockerfile": hello["Dockerfile"], "hello": "branch\n"}.forGit()})
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range [][]string{{"tag", "light", first}, {"tag", "--annotate", "--message", "one", "v1.0", first}} {
		if _, err := gitserver.Git(t.Context(), filepath.Join(env.GitRoot, "references.git"), nil, tag...); err != nil {
			t.Fatal(err)
		}
	}
	for reference, want := range map[string]string{
		"": second, "main": second, "refs/heads/main": second, "feature/one": branch,
		"light": first, "v1.0": first, "refs/tags/v1.0": first, second: second, first: first,
	} {
		t.Run(reference, func(t *testing.T) {
			env.Initialise(t, "references", map[string]any{"GITHUB_BRANCH": reference})
			built := env.MustBuild(t)
			if record := env.record(t); record.Commit != want || built.ImageTag != "s390x-v1-"+want[:7] {
				t.Errorf("built %s as %s, want %s", record.Commit, built.ImageTag, want)
			}
		})
	}
}

// The manifest has GITHUB_DEPTH commits of the history.
func TestManifestHistoryDepth(t *testing.T) {
	env := shared
	env.repository(t, "depth.git", hello)
	for _, text := range []string{"two", "three", "four"} {
		env.commit(t, "depth.git", files{"Dockerfile": hello["Dockerfile"], "hello": text})
	}
	for depth, want := range map[any]string{nil: "1\n", "3": "3\n", 100: "4\n"} {
		env.Initialise(t, "depth", map[string]any{"GITHUB_DEPTH": depth})
		dir := env.unpackManifest(t, env.MustBuild(t).BuildName)
		if got := kit.MustExecute(t, filepath.Join(dir, "git"), nil, "", "git", "rev-list", "--count", "HEAD").Out; got != want {
			t.Errorf("depth %v: %q commits, want %q", depth, got, want)
		}
	}
}

func TestSubmodules(t *testing.T) {
	env := shared
	inner := env.repository(t, "submodules-inner.git", files{"text": "from the submodule\n"})
	outer := map[string]gitserver.File{
		"Dockerfile":  {Content: "FROM " + env.BaseImage + "\nCOPY . /all\nCMD [\"find\", \"/all/inner\", \"-type\", \"f\", \"-name\", \"text\"]\n"},
		".gitmodules": {Content: "[submodule \"inner\"]\n\tpath = inner\n\turl = ../submodules-inner.git\n"},
		"inner":       {Mode: gitserver.Submodule, Content: inner},
	}
	if _, err := gitserver.CreateRepository(t.Context(), env.GitRoot, "submodules.git", outer); err != nil {
		t.Fatal(err)
	}
	for recurse, want := range map[string]string{"True": "/all/inner/text\n", "False": ""} {
		t.Run(recurse, func(t *testing.T) {
			env.Initialise(t, "submodules", map[string]any{"GITHUB_RECURSE_SUBMODULES": recurse})
			built := env.MustBuild(t)
			if got := env.container(t, "", env.pull(t, env.ImageOf("submodules"))); got != want {
				t.Errorf("the image prints %q, want %q", got, want)
			}
			var modules []job.Submodule
			if recurse == "True" {
				modules = []job.Submodule{{Path: "inner", URL: env.URL("submodules-inner.git"), Commit: inner}}
				git := filepath.Join(env.unpackManifest(t, built.BuildName), "git")
				if status := kit.MustExecute(t, git, nil, "", "git", "submodule", "status").Out; !strings.HasPrefix(status, " "+inner+" inner") {
					t.Errorf("git submodule status in the manifest: %q", status)
				}
			}
			if record := env.record(t); !slices.Equal(record.Submodules, modules) {
				t.Errorf("submodules %+v, want %+v", record.Submodules, modules)
			}
		})
	}
}

// Over HTTPS the token may be in the URL, as the stock client requires, or in a
// parameter of its own. It is visible nowhere.
func TestHTTPS(t *testing.T) {
	env := shared
	var described struct {
		User  string `json:"git_user"`
		Token string `json:"git_token"`
	}
	if err := json.Unmarshal([]byte(read(t, env.Dir(), "stack.json")), &described); err != nil {
		t.Fatal(err)
	}
	commit := env.repository(t, "https.git", hello)
	address, err := url.Parse(env.Git.HTTPSURL("https.git"))
	if err != nil {
		t.Fatal(err)
	}
	plain := address.String()
	address.User = url.UserPassword(described.User, described.Token)
	const wrong = "a-token-that-opens-nothing"
	for _, test := range []struct {
		name    string
		changes map[string]any
		fails   string // part of the cause
	}{
		{"token in the URL", map[string]any{"GITHUB_URL": address.String()}, ""},
		{"token as a parameter", map[string]any{"GITHUB_URL": plain, "GITHUB_USER": described.User, "GITHUB_TOKEN": described.Token}, ""},
		{"wrong token", map[string]any{"GITHUB_URL": plain, "GITHUB_USER": described.User, "GITHUB_TOKEN": wrong}, "the server refused the credentials"},
		{"no token", map[string]any{"GITHUB_URL": plain}, "the server refused the credentials"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.changes["GITHUB_KEY"] = nil
			env.Initialise(t, "https", test.changes)
			built := env.Build(t)
			if test.fails == "" && built.Status.Status != api.StatusSuccess || !strings.Contains(built.Cause, test.fails) {
				t.Errorf("%q (%s), want %q", built.Status.Status, built.Cause, test.fails)
			}
			if test.fails != "" && built.Status.Status != api.FailureStatus("git clone --depth 1 --branch main "+plain) {
				t.Errorf("status %q", built.Status.Status)
			}
			record := env.record(t)
			if test.fails == "" && record.Commit != commit || record.Parameters["GITHUB_URL"] != plain {
				t.Errorf("the record has the commit %s and the URL %v", record.Commit, record.Parameters["GITHUB_URL"])
			}
			env.checkHiddenFromUsers(t, secrets{{"the token", described.Token}, {"the wrong token", wrong}})
		})
	}
}

// A base image may be in another private registry, or in the registry of the image.
func TestPrivateBaseImages(t *testing.T) {
	env := shared
	pushRegistry := env.Gates.Registry.Address() + strings.TrimPrefix(env.BaseImage, env.Registry.Address())
	none := map[string]any{"DOCKER_BASE_SERVER": nil, "DOCKER_BASE_USER": nil, "DOCKER_BASE_PASSWORD": nil}
	for _, test := range []struct {
		name, base string
		changes    map[string]any
		fails      bool
	}{
		{"of another registry", env.BaseImage, nil, false},
		{"of another registry without a password", env.BaseImage, none, true},
		{"of the same registry", pushRegistry, none, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := "base-" + strings.ReplaceAll(test.name, " ", "-")
			env.prepare(t, name, files{"Dockerfile": "FROM " + test.base + "\n"}, test.changes)
			built := env.Build(t)
			if test.fails {
				if !api.Failed(built.Status.Status) || !strings.Contains(built.Cause, "the registry refused the credentials") {
					t.Errorf("%q (%s), want that the registry refused the credentials", built.Status.Status, built.Cause)
				}
				return
			}
			if record := env.record(t); built.Status.Status != api.StatusSuccess || len(record.BaseImages) != 1 || record.BaseImages[0].Reference != test.base {
				t.Errorf("%q (%s) on %+v", built.Status.Status, built.Cause, record.BaseImages)
			}
		})
	}
}
