//go:build stack

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

// environment is a stack, and what is known about its server before a kill.
type environment struct {
	*kit.Environment
	cosign    string            // path of the program
	buildkit  *buildkit.Client  // of the Docker Engine
	simulated *enclave.Enclave  // unseals the server's files
	marks     marks             // of the builds of this test
	public    map[string]string // public keys by signing method; nil before the first success
	reported  []string          // leftovers that were reported
	images    int               // number of repositories that were pushed to

	extents map[string]extent // of the operations, by name
}

// start starts the stack and changes to its folder.
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
	env.simulated, err = enclave.Simulate(env.Server.Enclave())
	return err
}

// source creates the repository that is built. Every step takes long enough for a kill,
// and the marks make its leftovers in the engine recognizable.
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

// digits returns decimals of a number of seconds that are unique to a random text.
func digits(text string) string {
	return strings.Map(func(r rune) rune { return '0' + r%10 }, text[:9])
}

// parameters returns the body of init and update, with changes.
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

// secret returns SECRET of the user's configuration.
func (env *environment) secret(t testing.TB) string {
	t.Helper()
	settings, err := kit.Configuration(env.Dir())
	if err != nil {
		t.Fatal(err)
	}
	return settings.Text("SECRET")
}
