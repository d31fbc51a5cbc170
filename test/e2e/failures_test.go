//go:build stack

package e2e

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/kit"
)

// failure is one way in which a build can fail.
type failure struct {
	name    string
	content files                            // of the repository; nil: hello
	changes map[string]any                   // to the parameters
	breaks  func(t *testing.T) (mend func()) // what is broken beside them, or nil
	command string                           // the failed step; what stands in braces is filled in
	cause   []string                         // parts of the cause
}

// Every step fails in each of its ways: the status names the step, the log the
// cause, nothing shows a secret, and a good build succeeds once it is mended.
func TestFailures(t *testing.T) {
	env := shared
	for _, f := range slices.Concat(engineFailures(env), cloneFailures(t, env), buildFailures(env), pushFailures(t, env), manifestFailures(env)) {
		t.Run(f.name, func(t *testing.T) {
			name := strings.ToLower(strings.ReplaceAll(f.name, " ", "-"))
			if f.content == nil {
				f.content = hello
			}
			commit := env.prepare(t, name, f.content, f.changes)
			mend := func() {}
			if f.breaks != nil {
				mend = sync.OnceFunc(f.breaks(t))
			}
			defer mend()
			built := env.Build(t)
			env.checkFailure(t, f, name, commit, built)
			env.NothingLeft(t, env.ImageOf(name))

			mend()
			env.commit(t, name+".git", hello)
			env.Initialise(t, name, nil)
			env.MustBuild(t)
		})
	}
}

func (env *environment) checkFailure(t *testing.T, f failure, name, commit string, built kit.Result) {
	t.Helper()
	want := api.FailureStatus(strings.NewReplacer("{image}", env.ImageOf(name), "{tag}", "s390x-v1-"+commit[:7],
		"{url}", env.URL(name+".git"), "{name}", built.BuildName, "{registry}", env.Gates.Registry.Address()).Replace(f.command))
	if built.Status.Status != want {
		t.Errorf("status\n%s\nwant\n%s", built.Status.Status, want)
	}
	for _, part := range f.cause {
		if !strings.Contains(built.Cause, part) || !strings.Contains(built.Log(), part) {
			t.Errorf("the cause %q, or the log, says nothing of %q:\n%s", built.Cause, part, built.Log())
		}
	}
	if record := env.record(t); record.Status != want || record.Cause != built.Cause {
		t.Errorf("the record says %q (%s)", record.Status, record.Cause)
	}
	env.hiddenFromUsers(t, env.secrets(f.changes))
}

// hiddenFromUsers looks for secrets in all that the server says of its latest
// build, and in all that it wrote.
func (env *environment) hiddenFromUsers(t *testing.T, planted secrets) {
	t.Helper()
	for _, path := range []string{"/image", "/log/build", "/events"} {
		planted.hidden(t, "GET "+path, env.Request(t, http.MethodGet, path, `""`).Text)
	}
	env.hiddenEverywhere(t, planted)
}

// The Dockerfile prints what the server knows, in every form there is: the log,
// the record and the manifest show the names instead.
func TestPrintedSecretsAreHidden(t *testing.T) {
	env := shared
	password := env.Given["DOCKER_PASSWORD"].(string)
	dockerfile := "FROM " + env.BaseImage + " AS print\nARG PLANTED\nARG KEY\n" +
		`RUN echo "clear $PLANTED." && echo -n "$PLANTED" | base64 && echo -n "$PLANTED" | xxd -p && echo "$KEY"` +
		"\nFROM scratch\nCOPY --from=print /etc /etc\n"
	changes := map[string]any{"ARG": map[string]string{"PLANTED": password, "KEY": env.Given["GITHUB_KEY"].(string)}}
	env.prepare(t, "printed", files{"Dockerfile": dockerfile}, changes)
	built := env.MustBuild(t)
	if !strings.Contains(built.Log(), "clear <DOCKER_PASSWORD>.") || !strings.Contains(built.Log(), "<GITHUB_KEY>") {
		t.Errorf("the log does not show the names of the secrets:\n%s", built.Log())
	}
	planted := env.secrets(nil)
	env.hiddenFromUsers(t, planted)
	dir := env.unpacked(t, built.BuildName)
	for _, name := range []string{"build.json", "build.log"} {
		planted.hidden(t, "data/"+name, read(t, dir, "data", name))
	}
	record := env.record(t)
	if arguments, _ := record.Parameters["ARG"].(map[string]any); arguments["PLANTED"] != "<DOCKER_PASSWORD>" {
		t.Errorf("the record has the arguments %v", arguments)
	}

	env.commit(t, "printed.git", files{"Dockerfile": strings.Replace(dockerfile, "RUN ", "RUN exit 9; ", 1)})
	failed := env.Build(t)
	if !api.Failed(failed.Status.Status) || !strings.Contains(failed.Status.Status, "--build-arg PLANTED=<DOCKER_PASSWORD> ") {
		t.Errorf("status %q, want the command line with the name of the secret", failed.Status.Status)
	}
	env.hiddenFromUsers(t, planted)
}

// Whatever the build log says of the end, the last status is the failure.
func TestFailedBuildIsNotTheLatest(t *testing.T) {
	env := shared
	env.prepare(t, "latest", hello, nil)
	good := env.MustBuild(t)
	env.commit(t, "latest.git", files{"Dockerfile": "FROM scratch\nCOPY none /\n"})
	if bad := env.Build(t); !api.Failed(bad.Status.Status) {
		t.Fatalf("status %q, want a failure", bad.Status.Status)
	}
	failed := env.record(t)
	if failed.BuildName == good.BuildName {
		t.Fatal("the failed build has no record of its own")
	}
	for asked, want := range map[string]int{`""`: http.StatusOK, `{"BUILD_NAME":"` + failed.BuildName + `"}`: http.StatusNotFound} {
		if answer := env.Request(t, http.MethodGet, "/manifest", asked); answer.Code != want {
			t.Errorf("the manifest of %s: code %d, want %d", asked, answer.Code, want)
		}
	}
	if answer, err := env.Client.PublicKey(t.Context(), ""); err != nil || answer.BuildName != good.BuildName {
		t.Errorf("the latest build is %q, %v, want %q", answer.BuildName, err, good.BuildName)
	}
}
