//go:build stack

// The stack that the server is killed in, and the user who works with it.
package crash

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"testing"

	buildkit "github.com/moby/buildkit/client"

	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

const (
	repository = "crash.git"
	imageName  = "sbs/crash"
)

// environment is a stack, and what is known of its server from before a kill.
type environment struct {
	*kit.Environment
	cosign   string            // path of the program
	buildkit *buildkit.Client  // in that engine
	inside   *enclave.Enclave  // opens what the server sealed
	marks    marks             // of what our builds leave in the engine
	public   map[string]string // keys by way of signing; nil before the first success
	reported []string          // of leftovers
	images   int               // repositories that were pushed to

	extents map[string]extent // of the operations, by name
}

// start brings the stack up and works in its folder, as its user does.
func start(t *testing.T) *environment {
	t.Helper()
	cosign, err := filepath.Abs("../../bin/cosign")
	if err != nil {
		t.Fatal(err)
	}
	env := &environment{Environment: kit.StartForTest(t, nil), cosign: cosign}
	t.Chdir(env.Dir())
	if err := env.connect(t); err != nil {
		t.Fatal(err)
	}
	if err := env.source(t.Context()); err != nil {
		t.Fatal(err)
	}
	kit.Configure(t, env.Dir(), map[string]any{
		"GITHUB_URL": env.Git.SSHURL(repository), "DOCKER_REPO": imageName, "ARG": nil,
		"IMAGE_SIGNING": "dct,simple,sigstore",
	})
	return env
}

func (env *environment) connect(t testing.TB) (err error) {
	env.buildkit, err = buildkit.New(context.Background(), "", buildkit.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return env.Docker.DialHijack(ctx, "/grpc", "h2c", nil)
	}))
	if err != nil {
		return err
	}
	t.Cleanup(func() {
		if err := env.buildkit.Close(); err != nil {
			t.Error(err)
		}
	})
	env.inside, err = enclave.Simulate(env.Server.Enclave())
	return err
}

// source makes the repository that is built: every step of it takes long enough
// to be killed in, and what the engine keeps of it can be told from others'.
func (env *environment) source(ctx context.Context) error {
	payload := make([]byte, 1<<20+mathrand.IntN(1<<18))
	_, _ = rand.Read(payload) // never fails
	mark := rand.Text()
	dockerfile := fmt.Sprintf("# %s\nFROM %s\nLABEL crash=%s\nCOPY payload /\nRUN sleep 0.1%s\n",
		strings.Repeat("-", 1000+mathrand.IntN(10000)), env.BaseImage, mark, digits(mark))
	env.marks = marks{label: "crash=" + mark, command: "sleep 0.1" + digits(mark), sizes: []int64{int64(len(dockerfile)), int64(len(payload))}}
	_, err := gitserver.CreateRepository(ctx, env.GitRoot, repository, map[string]gitserver.File{
		"Dockerfile": {Content: dockerfile}, "payload": {Content: string(payload)},
		".dockerignore": {Content: ".git\nDockerfile\n.dockerignore\n"},
	})
	return err
}

// digits makes a number of seconds out of a text that no other process sleeps
// for.
func digits(text string) string {
	return strings.Map(func(r rune) rune { return '0' + r%10 }, text[:9])
}

// parameters are the body of init and update, with changes.
func (env *environment) parameters(t testing.TB, changes map[string]any) []byte {
	t.Helper()
	given, err := kit.Parameters(env.Dir())
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(given, changes)
	body, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// secret is the SECRET of the user's configuration.
func (env *environment) secret(t testing.TB) string {
	t.Helper()
	settings, err := kit.Configuration(env.Dir())
	if err != nil {
		t.Fatal(err)
	}
	return settings.Text("SECRET")
}
