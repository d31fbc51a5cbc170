//go:build stack

package simple_test

// skopeo and podman verify: with a policy that requires our key they take what we
// signed, and nothing else.

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/testregistry"
)

// verifier is a machine that is configured to require one key.
type verifier struct {
	home   string
	run    string // short: podman takes no more than 50 characters
	policy string
	server *registry.Server
}

func newVerifier(t *testing.T, server *registry.Server, key signing.PublicKey) *verifier {
	t.Helper()
	v := &verifier{home: t.TempDir(), server: server}
	run, err := os.MkdirTemp("", "run")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(run); err != nil {
			t.Error(err)
		}
	})
	v.run = run
	v.policy = filepath.Join(v.home, "policy.json")
	v.write(t, "key.asc", key.Key)
	policy, err := json.Marshal(map[string]any{
		"default": []any{map[string]any{"type": "signedBy", "keyType": "GPGKeys", "keyPath": filepath.Join(v.home, "key.asc")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v.write(t, "policy.json", string(policy))
	v.write(t, ".config/containers/registries.d/sbs.yaml", "docker:\n  "+server.Address()+":\n    lookaside: file://"+v.home+"/lookaside\n")
	return v
}

func (v *verifier) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(v.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// copyLookaside gives the verifier what the server's lookaside store has.
func (v *verifier) copyLookaside(t *testing.T, m *memory) {
	t.Helper()
	for image, signatures := range m.signatures {
		for i, signature := range signatures {
			v.write(t, filepath.Join("lookaside", image, "signature-"+strconv.Itoa(i+1)), string(signature))
		}
	}
}

// tamper changes one bit of each signature of an image.
func (m *memory) tamper(t *testing.T, request signing.Request) {
	t.Helper()
	_, path, _ := strings.Cut(request.Image.Repository, "/")
	signatures := m.signatures[path+"@"+strings.Replace(request.Image.Digest, ":", "=", 1)]
	if len(signatures) == 0 {
		t.Fatal("there is no signature to change")
	}
	for _, signature := range signatures {
		signature[len(signature)-20] ^= 1
	}
}

// verdict asks both programs for the image and requires the same result of them.
func (v *verifier) verdict(t *testing.T, reference string, accept bool) {
	t.Helper()
	reader := v.server.Reader()
	credentials := reader.User + ":" + reader.Password
	for name, command := range map[string][]string{
		"skopeo": {"skopeo", "--policy", v.policy, "--registries.d", filepath.Join(v.home, ".config/containers/registries.d"),
			"copy", "--src-tls-verify=false", "--src-creds", credentials, "docker://" + reference, "dir:" + t.TempDir()},
		"podman": {"podman", "--root", filepath.Join(v.home, "root"), "--runroot", v.run, "--storage-driver", "vfs",
			"pull", "--signature-policy", v.policy, "--tls-verify=false", "--creds", credentials, reference},
	} {
		process := exec.CommandContext(t.Context(), command[0], command[1:]...)
		process.Env = append(os.Environ(), "HOME="+v.home, "XDG_RUNTIME_DIR="+v.home)
		output, err := process.CombinedOutput()
		if accept && err != nil {
			t.Errorf("%s refuses %s: %v\n%s", name, reference, err, output)
		}
		if !accept && (err == nil || !rejected(string(output))) {
			t.Errorf("%s on %s: %v, want a refused signature\n%s", name, reference, err, output)
		}
	}
}

// rejected distinguishes a refused signature from any other trouble.
func rejected(output string) bool {
	for _, reason := range []string{"signature was required, but no signature exists", "Source image rejected", "Invalid GPG signature", "does not match digest"} {
		if strings.Contains(output, reason) {
			return true
		}
	}
	return false
}

// Independent programs verify the signatures of the signer, and refuse all others.
func TestInteroperability(t *testing.T) {
	ours, theirs := map[string][]byte{}, map[string][]byte{} // keys: to make one takes seconds
	for name, extensions := range map[string][]func(http.Handler) http.Handler{
		"signatures in the registry":        {registry.WithSignatures},
		"signatures in the lookaside store": nil,
	} {
		t.Run(name, func(t *testing.T) {
			server := testregistry.Start(t, extensions...)
			m, foreign := newMemory(), newMemory()
			m.Entries, foreign.Entries = ours, theirs
			request := push(t, server, "v1", "latest")
			key := sign(t, m, request)
			moved := push(t, server, "moved")
			sign(t, m, moved)
			push(t, server, "moved", "unsigned")
			forged := push(t, server, "forged")
			foreignKey := sign(t, foreign, forged)

			if extensions == nil { // what a registry keeps can't be changed
				tampered := push(t, server, "tampered")
				sign(t, m, tampered)
				m.tamper(t, tampered)
			}

			v := newVerifier(t, server, key)
			v.copyLookaside(t, m)
			v.copyLookaside(t, foreign)
			repository := request.Image.Repository
			v.verdict(t, repository+":v1", true)
			v.verdict(t, repository+":latest", true)
			v.verdict(t, repository+"@"+request.Image.Digest, true)
			v.verdict(t, repository+":unsigned", false)
			v.verdict(t, repository+":moved", false)
			v.verdict(t, repository+":forged", false)
			if extensions == nil {
				v.verdict(t, repository+":tampered", false)
			}

			other := newVerifier(t, server, foreignKey)
			other.copyLookaside(t, m)
			other.copyLookaside(t, foreign)
			other.verdict(t, repository+":forged", true)
			other.verdict(t, repository+":v1", false)
		})
	}
}
