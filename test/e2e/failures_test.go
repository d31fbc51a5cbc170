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

// failure is a case in which a build fails.
type failure struct {
	name    string
	content files                              // of the repository; nil: hello
	changes map[string]any                     // to the parameters
	breaks  func(t *testing.T) (repair func()) // injects a fault, unless it is nil
	command string                             // the failed command, with placeholders in braces
	cause   []string                           // parts of the cause
}

// Every step fails for each of its causes: the status has the failed command, the
// log the cause, no secret is visible, and a build succeeds after the repair.
func TestFailures(t *testing.T) {
	env := shared
	for _, f := range slices.Concat(engineFailures(env), cloneFailures(t, env), buildFailures(env), pushFailures(t, env), manifestFailures(env)) {
		t.Run(f.name, func(t *testing.T) {
			name := strings.ToLower(strings.ReplaceAll(f.name, " ", "-"))
			if f.content == nil {
				f.content = hello
			}
			commit := env.prepare(t, name, f.content, f.changes)
			repair := func() {}
			if f.breaks != nil {
				repair = sync.OnceFunc(f.breaks(t))
			}
			defer repair()
			built := env.Build(t)
			env.checkFailure(t, f, name, commit, built)
			env.NothingLeft(t, env.ImageOf(name))

			repair()
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
			t.Errorf("the cause %q, or the log, does not contain %q:\n%s", built.Cause, part, built.Log())
		}
	}
	if record := env.record(t); record.Status != want || record.Cause != built.Cause {
		t.Errorf("the record has %q (%s)", record.Status, record.Cause)
	}
	env.checkHiddenFromUsers(t, env.secrets(f.changes))
}

// checkHiddenFromUsers searches for secrets in the server's responses about its
// latest build, and in its log and volume.
func (env *environment) checkHiddenFromUsers(t *testing.T, planted secrets) {
	t.Helper()
	for _, path := range []string{"/image", "/log/build", "/events"} {
		planted.checkHidden(t, "GET "+path, env.Request(t, http.MethodGet, path, `""`).Text)
	}
	env.checkHiddenEverywhere(t, planted)
}

// The Dockerfile prints secrets in several encodings: the log, the record and the
// manifest have the names of the parameters instead.
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
		t.Errorf("the log does not have the names of the secrets:\n%s", built.Log())
	}
	planted := env.secrets(nil)
	env.checkHiddenFromUsers(t, planted)
	dir := env.unpackManifest(t, built.BuildName)
	for _, name := range []string{"build.json", "build.log"} {
		planted.checkHidden(t, "data/"+name, read(t, dir, "data", name))
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
	env.checkHiddenFromUsers(t, planted)
}

// A failed build has a record of its own, and the latest build is still the
// successful one before it.
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
	for body, want := range map[string]int{`""`: http.StatusOK, `{"BUILD_NAME":"` + failed.BuildName + `"}`: http.StatusNotFound} {
		if reply := env.Request(t, http.MethodGet, "/manifest", body); reply.Code != want {
			t.Errorf("the manifest of %s: code %d, want %d", body, reply.Code, want)
		}
	}
	if reply, err := env.Client.PublicKey(t.Context(), ""); err != nil || reply.BuildName != good.BuildName {
		t.Errorf("the latest build is %q, %v, want %q", reply.BuildName, err, good.BuildName)
	}
}
