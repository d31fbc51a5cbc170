//go:build stack

package simple_test

// What others sign: skopeo and podman, with gpg.

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/simple"
)

// signer is a machine with a gpg key of its own.
type signer struct {
	home    string
	fixture *fixture
}

func newSigner(t *testing.T, f *fixture) *signer {
	t.Helper()
	// Short: gpg's agent takes no long path for its socket.
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	s := &signer{home, f}
	t.Cleanup(func() {
		s.run(t, "gpgconf", "--kill", "gpg-agent")
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	s.run(t, "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "vendor@example.com", "rsa2048", "sign", "never")
	s.write(t, "policy.json", `{"default":[{"type":"insecureAcceptAnything"}]}`)
	s.write(t, "login.json", "{}")
	s.write(t, "registries.d/stack.yaml", "docker:\n  "+f.server.Address()+":\n    use-sigstore-attachments: false\n")
	if f.lookaside != "" {
		s.write(t, "registries.d/stack.yaml", "docker:\n  "+f.server.Address()+":\n    lookaside: file://"+f.lookaside+"\n    lookaside-staging: file://"+f.lookaside+"\n")
	}
	return s
}

func (s *signer) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *signer) run(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	command := exec.Command(program, arguments...) // no context: the cleanup runs after the test's has ended
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.home, "GNUPGHOME=" + s.home, "XDG_RUNTIME_DIR=" + s.home, "REGISTRY_AUTH_FILE=" + filepath.Join(s.home, "login.json")}
	var complaints strings.Builder
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, arguments, err, complaints.String())
	}
	return string(output)
}

func (s *signer) verifier(t *testing.T) simple.Verifier {
	t.Helper()
	key, err := simple.ParseKey([]byte(s.run(t, "gpg", "--armor", "--export")))
	if err != nil {
		t.Fatal(err)
	}
	return simple.Verifier{Key: key, Lookaside: s.fixture.lookaside}
}

// copy copies an image to another name and signs it there.
func (s *signer) copy(t *testing.T, from, to string) {
	t.Helper()
	writer, registry := s.fixture.server.Writer(), "docker://"+s.fixture.server.Address()+"/"
	credentials := writer.User + ":" + writer.Password
	s.run(t, "skopeo", "--policy", filepath.Join(s.home, "policy.json"), "--registries.d", filepath.Join(s.home, "registries.d"),
		"copy", "--sign-by", "vendor@example.com", "--src-tls-verify=false", "--dest-tls-verify=false",
		"--src-creds", credentials, "--dest-creds", credentials, "--remove-signatures", registry+from, registry+to)
}

func TestSkopeoSigns(t *testing.T) {
	for where, extended := range map[string]bool{"in the registry": true, "in a lookaside store": false} {
		t.Run(where, func(t *testing.T) {
			f := newFixture(t, extended)
			ours, other := newSigner(t, f), newSigner(t, f)
			signed := f.push(t, "ns/app:raw")
			ours.copy(t, "ns/app:raw", "ns/app:v1")
			f.push(t, "ns/app:raw2")
			other.copy(t, "ns/app:raw2", "ns/app:foreign")
			v := ours.verifier(t)
			for _, asked := range []string{"ns/app:v1", "ns/app@" + signed} {
				verified, err := v.Verify(t.Context(), f.request(asked))
				if err != nil || verified.Digest != signed || verified.KeyID != v.Key.ID() {
					t.Errorf("%s: %+v, %v", asked, verified, err)
				}
			}
			refused(t, v, f.request("ns/app:raw"), &signature.OtherNameError{})
			refused(t, v, f.request("ns/app:foreign"), &signature.OtherKeyError{})
			refused(t, other.verifier(t), f.request("ns/app:v1"), &signature.OtherKeyError{})
			f.push(t, "ns/app:v1")
			refused(t, v, f.request("ns/app:v1"), &signature.UnsignedError{})
		})
	}
}

func TestPodmanSigns(t *testing.T) {
	f := newFixture(t, false)
	s := newSigner(t, f)
	signed := f.push(t, "ns/app:v1")
	writer := f.server.Writer()
	s.write(t, "registries.conf", "[[registry]]\nlocation = \""+f.server.Address()+"\"\ninsecure = true\n")
	t.Setenv("CONTAINERS_REGISTRIES_CONF", filepath.Join(s.home, "registries.conf"))
	command := exec.CommandContext(t.Context(), "podman", "--root", filepath.Join(s.home, "root"), "--runroot", filepath.Join(s.home, "run"), "--storage-driver", "vfs",
		"image", "sign", "--sign-by", "vendor@example.com", "--directory", f.lookaside, "--authfile", filepath.Join(s.home, "login.json"), "docker://"+f.server.Address()+"/ns/app:v1")
	command.Env = append(os.Environ(), "HOME="+s.home, "GNUPGHOME="+s.home, "XDG_RUNTIME_DIR="+s.home)
	s.write(t, "login.json", login(f.server.Address(), writer.User, writer.Password))
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("podman image sign: %v\n%s", err, output)
	}
	v := s.verifier(t)
	if verified, err := v.Verify(t.Context(), f.request("ns/app:v1")); err != nil || verified.Digest != signed {
		t.Errorf("%+v, %v", verified, err)
	}
	f.push(t, "ns/app:v1")
	refused(t, v, f.request("ns/app:v1"), &signature.UnsignedError{})
}

// login is a login file as docker and podman keep it.
func login(server, user, password string) string {
	return `{"auths":{"` + server + `":{"auth":"` + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + `"}}}`
}
