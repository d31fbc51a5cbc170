//go:build stack

// The stack that the server is killed in, and the user who works with it.
package crash

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	docker "github.com/docker/docker/client"
	buildkit "github.com/moby/buildkit/client"

	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/test/harness"
	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

const (
	repository = "crash.git"
	imageName  = "sbs/crash"

	// patience bounds every wait for something that must happen. It is no
	// measure of speed: it only makes a hanging test fail.
	patience = time.Minute
)

// environment is a stack, and what is known of its server from before a kill.
type environment struct {
	*harness.Stack
	cli      string // paths of programs
	cosign   string
	client   *client.Client
	docker   *docker.Client
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
	programs, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	programs.Dir = filepath.Join(t.TempDir(), "stack")
	stack, err := harness.Start(t.Context(), programs)
	if err != nil {
		t.Fatal(err)
	}
	env := &environment{Stack: stack, cli: programs.ClientBinary, cosign: cosign}
	t.Cleanup(func() {
		if err := env.close(); err != nil {
			t.Error(err)
		}
	})
	t.Chdir(stack.Dir())
	if err := env.connect(); err != nil {
		t.Fatal(err)
	}
	if err := env.source(t.Context()); err != nil {
		t.Fatal(err)
	}
	env.configure(t, map[string]any{
		"GITHUB_URL": env.Git.SSHURL(repository), "DOCKER_REPO": imageName, "ARG": nil,
		"IMAGE_SIGNING": "dct,simple,sigstore",
	})
	return env
}

func (env *environment) connect() (err error) {
	if env.docker, err = docker.NewClientWithOpts(docker.FromEnv, docker.WithAPIVersionNegotiation()); err != nil {
		return err
	}
	env.buildkit, err = buildkit.New(context.Background(), "", buildkit.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return env.docker.DialHijack(ctx, "/grpc", "h2c", nil)
	}))
	if err != nil {
		return err
	}
	if env.inside, err = enclave.Simulate(env.Server.Enclave()); err != nil {
		return err
	}
	env.client, err = kit.Connect(env.Dir())
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

func (env *environment) close() error {
	var failed error
	if env.client != nil {
		env.client.Close()
	}
	if env.buildkit != nil {
		failed = env.buildkit.Close()
	}
	if env.docker != nil {
		failed = errors.Join(failed, env.docker.Close())
	}
	return errors.Join(env.Close(context.Background()), failed)
}

// configure changes keys of the user's configuration; nil takes one away.
func (env *environment) configure(t testing.TB, changes map[string]any) {
	t.Helper()
	var given map[string]any
	text, err := os.ReadFile(kit.ConfigName)
	if err == nil {
		err = json.Unmarshal(text, &given)
	}
	if err == nil {
		text, err = json.Marshal(kit.With(given, changes))
	}
	if err == nil {
		err = os.WriteFile(kit.ConfigName, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
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
