//go:build stack

package gitserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
)

func start(t *testing.T, options Options) *Server {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	server, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t, ignore)
	})
	return server
}

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	signers, err := newHostKey()
	if err != nil {
		t.Fatal(err)
	}
	return signers[0]
}

// run runs a command on the SSH server and returns its output.
func run(t *testing.T, server *Server, signer ssh.Signer, command string) (string, error) {
	t.Helper()
	client, err := ssh.Dial("tcp", server.ssh.Addr().String(), &ssh.ClientConfig{
		User: "git", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: ssh.FixedHostKey(server.hostKeys[0].PublicKey()),
	})
	if err != nil {
		return "", err
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	session.Stdin = strings.NewReader("0000")
	out, err := session.CombinedOutput(command)
	return string(out), err
}

func TestSSH(t *testing.T) {
	root, signer := t.TempDir(), newSigner(t)
	commit, err := CreateRepository(t.Context(), filepath.Join(root, "served"), "one.git", map[string]File{"a": {Content: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CreateRepository(t.Context(), root, "outside.git", map[string]File{"a": {}}); err != nil {
		t.Fatal(err)
	}
	server := start(t, Options{Root: filepath.Join(root, "served"), AuthorizedKeys: []ssh.PublicKey{signer.PublicKey()}})
	if out, err := run(t, server, signer, "git-upload-pack '/one.git'"); err != nil || !strings.Contains(out, commit) {
		t.Errorf("got %q, %v", out, err)
	}
	for _, command := range []string{
		"git-upload-pack '../outside.git'", "git-upload-pack '/../outside.git'", "git-upload-pack 'none.git'",
		"git-receive-pack 'one.git'", "sh -c id", "",
	} {
		if out, err := run(t, server, signer, command); err == nil {
			t.Errorf("%q returned %q", command, out)
		}
	}
	if _, err := run(t, server, newSigner(t), "git-upload-pack 'one.git'"); err == nil {
		t.Error("the server accepted an unknown key")
	}
}

func TestHTTPS(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"closed.git", "open.git", "own.git"} {
		if _, err := CreateRepository(t.Context(), root, name, map[string]File{"a": {}}); err != nil {
			t.Fatal(err)
		}
	}
	server := start(t, Options{Root: root, User: "ada", Token: "secret", Credentials: map[string]Credential{
		"open.git": {}, "own.git": {User: "bob", Token: "other"},
	}})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(server.CABundle())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	for _, test := range []struct {
		name, user, token string
		want              int
	}{
		{"closed.git", "", "", 401},
		{"closed.git", "ada", "wrong", 401},
		{"closed.git", "ada", "secret", 200},
		{"open.git", "", "", 200},
		{"own.git", "ada", "secret", 401},
		{"own.git", "bob", "other", 200},
		{"none.git", "ada", "secret", 404},
	} {
		request, err := http.NewRequest(http.MethodGet, server.HTTPSURL(test.name)+"/info/refs?service=git-upload-pack", nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.user != "" {
			request.SetBasicAuth(test.user, test.token)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != test.want {
			t.Errorf("%+v returned %d", test, response.StatusCode)
		}
	}
}

// Commit ids are the same in every run, and the same for a folder and for its files.
func TestCommitIDs(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "run.sh"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("run.sh", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	folder, err := Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]File{"run.sh": {Mode: Executable, Content: "#!/bin/sh\n"}, "link": {Mode: Symlink, Content: "run.sh"}}
	root := t.TempDir()
	var ids []string
	for name, content := range map[string]map[string]File{"a.git": folder, "b.git": files} {
		id, err := CreateRepository(t.Context(), root, name, content)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	const want = "71ffca9d19f12dedf04316eea4a1f8963ccbadfb"
	if ids[0] != ids[1] || ids[0] != want {
		t.Errorf("got %q, want %s", ids, want)
	}
}
