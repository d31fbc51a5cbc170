//go:build stack

package e2e

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/opensbs/sbs/test/gate"
	"github.com/opensbs/sbs/test/kit"
)

// The failed commands of the steps.
const (
	cloneCommand = "git clone --depth 1 --branch main {url}"
	buildCommand = "docker build -t {image}:{tag} -t {image}:latest -f Dockerfile ."
	signCommand  = "docker trust sign {image}:{tag}"
)

// withPartDown takes a part of the stack down; the returned function repairs that.
func withPartDown(part *gate.Gate) func(*testing.T) func() {
	return func(t *testing.T) func() {
		if err := part.Down(); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := part.Up(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func engineFailures(env *environment) []failure {
	return []failure{{
		name:    "engine unreachable",
		breaks:  withPartDown(env.Gates.Engine),
		command: "docker version",
		cause:   []string{"no Docker Engine replies at unix://" + env.Gates.Engine.Address(), "start it"},
	}}
}

func cloneFailures(t *testing.T, env *environment) []failure {
	t.Helper()
	_, line, _ := strings.Cut(string(env.Git.KnownHosts()), " ")
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	other := newSSHKey(t)
	return []failure{{
		name:    "unknown host key",
		changes: map[string]any{"GITHUB_KNOWN_HOSTS": nil},
		command: cloneCommand,
		cause:   []string{"unknown SSH host", ssh.FingerprintSHA256(hostKey), "GITHUB_KNOWN_HOSTS"},
	}, {
		name:    "another host key",
		changes: map[string]any{"GITHUB_KNOWN_HOSTS": kit.KnownHost(env.Gates.Git.Address()) + " " + other.public},
		command: cloneCommand,
		cause:   []string{"host key mismatch", ssh.FingerprintSHA256(hostKey)},
	}, {
		name:    "wrong SSH key",
		changes: map[string]any{"GITHUB_KEY": other.private},
		command: cloneCommand,
		cause:   []string{"the server refused the credentials"},
	}, {
		name:    "unknown branch",
		changes: map[string]any{"GITHUB_BRANCH": "nowhere"},
		command: strings.Replace(cloneCommand, "main", "nowhere", 1),
		cause:   []string{`"nowhere"`, "no branch and no tag"},
	}, {
		name:    "no such repository",
		changes: map[string]any{"GITHUB_URL": env.URL("nowhere.git")},
		command: strings.Replace(cloneCommand, "{url}", env.URL("nowhere.git"), 1),
		cause:   []string{"no such repository"},
	}, {
		name:    "git server down",
		breaks:  withPartDown(env.Gates.Git),
		command: cloneCommand,
		cause:   []string{"connection refused"},
	}}
}

func buildFailures(env *environment) []failure {
	from := "FROM " + env.BaseImage + "\n"
	return []failure{{
		name:    "no dockerfile",
		content: files{"README.md": "Nothing to build.\n"},
		command: buildCommand,
		cause:   []string{`DOCKERFILE_PATH: "Dockerfile" is not in the repository`},
	}, {
		name:    "dockerfile outside",
		content: files{"Dockerfile@": "/etc/passwd"},
		command: buildCommand,
		cause:   []string{`DOCKERFILE_PATH: "Dockerfile" is a symbolic link that leaves the repository`},
	}, {
		name:    "failing command",
		content: files{"Dockerfile": from + "RUN echo seven && exit 7\n"},
		command: buildCommand,
		cause:   []string{"RUN echo seven && exit 7", "exit code: 7"},
	}, {
		name:    "no base image",
		content: files{"Dockerfile": "FROM " + env.Registry.Address() + "/base/none:1\n"},
		command: buildCommand,
		cause:   []string{"base/none:1", "not found"},
	}, {
		name:    "base image with wrong password",
		content: files{"Dockerfile": from},
		changes: map[string]any{"DOCKER_BASE_PASSWORD": rand.Text()},
		command: buildCommand,
		cause:   []string{"the registry refused the credentials", "base/busybox"},
	}}
}

func pushFailures(t *testing.T, env *environment) []failure {
	t.Helper()
	return []failure{{
		name:    "push with wrong password",
		changes: map[string]any{"DOCKER_PASSWORD": rand.Text()},
		command: "docker login --username <USERNAME> --password <PASSWORD> {registry}",
		cause:   []string{"refuses the user name and password", "check DOCKER_USER and DOCKER_PASSWORD"},
	}, {
		name:    "push by an account that may only read",
		changes: map[string]any{"DOCKER_USER": env.Given["DOCKER_RO_USER"], "DOCKER_PASSWORD": env.Given["DOCKER_RO_PASSWORD"]},
		command: "docker push {image}:{tag}",
		cause:   []string{"forbids this request to this user", "check that DOCKER_USER may push"},
	}, {
		name:    "registry down",
		breaks:  withPartDown(env.Gates.Registry),
		command: "docker push {image}:{tag}",
		cause:   []string{"connection refused", env.Gates.Registry.Address()},
	}, {
		name:    "notary down",
		breaks:  withPartDown(env.Gates.Notary),
		command: signCommand,
		cause:   []string{"check DOCKER_CONTENT_TRUST_PUSH_SERVER and that the server runs", env.Gates.Notary.Address()},
	}, {
		name:    "notary of another CA",
		changes: map[string]any{"DOCKER_CONTENT_TRUST_PUSH_SERVER": impostor(t)},
		command: signCommand,
		cause:   []string{"set DOCKER_CONTENT_TRUST_CA", "DOCKER_CONTENT_TRUST_CA"},
	}}
}

// manifestFailures damage the key that signs manifests: it must be reported, and
// never replaced, because it verifies the earlier manifests.
func manifestFailures(env *environment) []failure {
	path := filepath.Join(env.Server.Volume(), "sealed", "manifest", "key")
	return []failure{{
		name:    "damaged manifest key",
		command: "tar -cjf manifest.{name}.tbz data git",
		cause:   []string{"the sealed file sealed/manifest/key", "does not authenticate"},
		breaks: func(t *testing.T) func() {
			env.MustBuild(t) // generates the key, if there is none yet
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			flipBit(t, path)
			damaged, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return func() {
				if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, damaged) {
					t.Errorf("the damaged key was changed: %v", err)
				}
				if err := os.WriteFile(path, whole, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		},
	}}
}

// impostor starts a server with a certificate that the stack does not trust, and
// returns its URL.
func impostor(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake is meant to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// sshKey is a key pair in the formats of OpenSSH.
type sshKey struct{ private, public string }

func newSSHKey(t *testing.T) sshKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authorized, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "end-to-end test")
	if err != nil {
		t.Fatal(err)
	}
	return sshKey{string(pem.EncodeToMemory(block)), string(ssh.MarshalAuthorizedKey(authorized))}
}
