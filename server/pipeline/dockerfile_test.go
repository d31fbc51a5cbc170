package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

// TestFindDockerfile resolves the paths of parameters in a clone. No error names a
// path of the server.
func TestFindDockerfile(t *testing.T) {
	for _, test := range []struct {
		name             string
		files            []string // a name that ends with / is a folder
		path, contextDir string
		want, problem    string
	}{
		{name: "default", files: []string{"Dockerfile", "dockerfile"}, want: "Dockerfile"},
		{name: "lower case", files: []string{"dockerfile"}, want: "dockerfile"},
		{name: "a folder of that name", files: []string{"Dockerfile/", "dockerfile"}, want: "dockerfile"},
		{name: "given", files: []string{"a/x"}, path: "a/x", want: "a/x"},
		{name: "none", files: []string{"x"}, problem: `"Dockerfile" is not in the repository at commit c`},
		{name: "in the context", files: []string{"app/Dockerfile"}, contextDir: "app", problem: "; app/Dockerfile is: set DOCKERFILE_PATH to it"},
		{name: "Containerfile", files: []string{"Containerfile"}, problem: "; Containerfile is: set DOCKERFILE_PATH to it"},
		{name: "Containerfile in the context", files: []string{"app/Containerfile"}, contextDir: "app", problem: "; app/Containerfile is: set DOCKERFILE_PATH to it"},
		{name: "relative to the context", files: []string{"app/x.df"}, path: "x.df", contextDir: "app", problem: "; app/x.df is: set DOCKERFILE_PATH to it"},
		{name: "a folder", files: []string{"app/"}, path: "app", problem: `"app" is not a file of the repository: DOCKERFILE_PATH takes the path of one`},
		{name: "below a file", files: []string{"app"}, path: "app/Dockerfile", problem: `"app/Dockerfile" can't be resolved in the repository: not a directory`},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &build{work: t.TempDir(), parameters: api.Parameters{DockerfilePath: test.path, DockerBuildPath: test.contextDir}}
			b.checkout.Commit = "c"
			for _, name := range test.files {
				full := filepath.Join(b.clonePath(), name)
				folder := filepath.Dir(full)
				if strings.HasSuffix(name, "/") {
					folder = full
				}
				err := os.MkdirAll(folder, 0o700)
				if folder != full {
					err = errors.Join(err, os.WriteFile(full, nil, 0o600))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			err := b.findDockerfile(t.Context())
			found := b.path
			if test.problem == "" {
				if err != nil || !strings.HasSuffix(found, "/"+test.want) || b.dockerfile() != test.want {
					t.Errorf("found %q (%s), error %v", found, b.dockerfile(), err)
				}
				return
			}
			var refused *api.ParameterError
			if !errors.As(err, &refused) || refused.Key != keyDockerfile || !strings.HasSuffix(refused.Problem, test.problem) {
				t.Errorf("error %v, want %s with %q", err, keyDockerfile, test.problem)
			}
			if strings.Contains(err.Error(), b.work) {
				t.Errorf("%v names a path of the server", err)
			}
		})
	}
}

// TestErrorsNameNoPathOfTheServer covers the errors of libraries that walk the clone.
func TestErrorsNameNoPathOfTheServer(t *testing.T) {
	b := &build{work: filepath.Join(t.TempDir(), "id")}
	if got := b.inRepository("open " + b.clonePath() + "/a/b: permission denied"); got != "open a/b: permission denied" {
		t.Errorf("got %q", got)
	}
}
