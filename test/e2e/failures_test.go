//go:build stack

package e2e

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opensbs/sbs/api"
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
	l := shared
	for _, f := range slices.Concat(engineFailures(l), cloneFailures(t, l), buildFailures(l), pushFailures(t, l), manifestFailures(l)) {
		t.Run(f.name, func(t *testing.T) {
			name := strings.ToLower(strings.ReplaceAll(f.name, " ", "-"))
			if f.content == nil {
				f.content = hello
			}
			commit := l.prepare(t, name, f.content, f.changes)
			mend := func() {}
			if f.breaks != nil {
				mend = sync.OnceFunc(f.breaks(t))
			}
			defer mend()
			built := l.build(t)
			l.checkFailure(t, f, name, commit, built)
			l.nothingLeft(t, l.image(name))

			mend()
			l.commit(t, name+".git", hello)
			l.initialise(t, name, nil)
			l.succeed(t)
		})
	}
}

func (l *lab) checkFailure(t *testing.T, f failure, name, commit string, built result) {
	t.Helper()
	want := api.FailureStatus(strings.NewReplacer("{image}", l.image(name), "{tag}", "s390x-v1-"+commit[:7],
		"{url}", l.url(name+".git"), "{name}", built.BuildName, "{registry}", l.registry.Address()).Replace(f.command))
	if built.Status.Status != want {
		t.Errorf("status\n%s\nwant\n%s", built.Status.Status, want)
	}
	for _, part := range f.cause {
		if !strings.Contains(built.Cause, part) || !strings.Contains(built.log(), part) {
			t.Errorf("the cause %q, or the log, says nothing of %q:\n%s", built.Cause, part, built.log())
		}
	}
	if record := l.record(t); record.Status != want || record.Cause != built.Cause {
		t.Errorf("the record says %q (%s)", record.Status, record.Cause)
	}
	l.hiddenFromUsers(t, l.secrets(f.changes))
}

// hiddenFromUsers looks for secrets in all that the server says of its latest
// build, and in all that it wrote.
func (l *lab) hiddenFromUsers(t *testing.T, planted secrets) {
	t.Helper()
	for _, path := range []string{"/image", "/log/build", "/events"} {
		planted.hidden(t, "GET "+path, l.request(t, http.MethodGet, path, `""`).text)
	}
	l.hiddenEverywhere(t, planted)
}

// The Dockerfile prints what the server knows, in every form there is: the log,
// the record and the manifest show the names instead.
func TestPrintedSecretsAreHidden(t *testing.T) {
	l := shared
	password := l.given["DOCKER_PASSWORD"].(string)
	dockerfile := "FROM " + l.BaseImage + " AS print\nARG PLANTED\nARG KEY\n" +
		`RUN echo "clear $PLANTED." && echo -n "$PLANTED" | base64 && echo -n "$PLANTED" | xxd -p && echo "$KEY"` +
		"\nFROM scratch\nCOPY --from=print /etc /etc\n"
	changes := map[string]any{"ARG": map[string]string{"PLANTED": password, "KEY": l.given["GITHUB_KEY"].(string)}}
	l.prepare(t, "printed", files{"Dockerfile": dockerfile}, changes)
	built := l.succeed(t)
	if !strings.Contains(built.log(), "clear <DOCKER_PASSWORD>.") || !strings.Contains(built.log(), "<GITHUB_KEY>") {
		t.Errorf("the log does not show the names of the secrets:\n%s", built.log())
	}
	planted := l.secrets(nil)
	l.hiddenFromUsers(t, planted)
	dir := l.unpacked(t, built.BuildName)
	for _, name := range []string{"build.json", "build.log"} {
		planted.hidden(t, "data/"+name, read(t, dir, "data", name))
	}
	record := l.record(t)
	if arguments, _ := record.Parameters["ARG"].(map[string]any); arguments["PLANTED"] != "<DOCKER_PASSWORD>" {
		t.Errorf("the record has the arguments %v", arguments)
	}

	l.commit(t, "printed.git", files{"Dockerfile": strings.Replace(dockerfile, "RUN ", "RUN exit 9; ", 1)})
	failed := l.build(t)
	if !api.Failed(failed.Status.Status) || !strings.Contains(failed.Status.Status, "--build-arg PLANTED=<DOCKER_PASSWORD> ") {
		t.Errorf("status %q, want the command line with the name of the secret", failed.Status.Status)
	}
	l.hiddenFromUsers(t, planted)
}

// Whatever the build log says of the end, the last status is the failure.
func TestFailedBuildIsNotTheLatest(t *testing.T) {
	l := shared
	l.prepare(t, "latest", hello, nil)
	good := l.succeed(t)
	l.commit(t, "latest.git", files{"Dockerfile": "FROM scratch\nCOPY none /\n"})
	if bad := l.build(t); !api.Failed(bad.Status.Status) {
		t.Fatalf("status %q, want a failure", bad.Status.Status)
	}
	failed := l.record(t)
	if failed.BuildName == good.BuildName {
		t.Fatal("the failed build has no record of its own")
	}
	for asked, want := range map[string]int{`""`: http.StatusOK, `{"BUILD_NAME":"` + failed.BuildName + `"}`: http.StatusNotFound} {
		if answer := l.request(t, http.MethodGet, "/manifest", asked); answer.code != want {
			t.Errorf("the manifest of %s: code %d, want %d", asked, answer.code, want)
		}
	}
	if answer, err := l.client.PublicKey(t.Context(), ""); err != nil || answer.BuildName != good.BuildName {
		t.Errorf("the latest build is %q, %v, want %q", answer.BuildName, err, good.BuildName)
	}
}
