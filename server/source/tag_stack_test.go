//go:build stack

package source

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// A build of a tag keeps it: git finds its name, and checks its signature.
func TestTagIsKept(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "one.git", map[string]gitserver.File{"f": {Content: "1\n"}})
	s.commit(t, "one.git", gitserver.Change{Files: map[string]gitserver.File{"f": {Content: "2\n"}}})
	commit := s.git(t, "one.git", "", "rev-parse", "main")
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	signers := filepath.Join(t.TempDir(), "signers")
	if err := os.WriteFile(signers, append([]byte("ada@example.com "), public...), 0o600); err != nil {
		t.Fatal(err)
	}
	ssh := []string{"-c", "gpg.format=ssh", "-c", "user.signingKey=" + key, "-c", "gpg.ssh.allowedSignersFile=" + signers}
	s.git(t, "one.git", "", append(ssh, "tag", "-s", "-m", "release", "v1.2.3", commit)...)
	s.git(t, "one.git", "", "tag", "light", commit)
	s.git(t, "one.git", "", "tag", "release/2", commit)
	s.git(t, "one.git", "", "tag", "-a", "-m", "tag of a tag", "outer", "v1.2.3")
	for name, objects := range map[string]int{"light": 0, "release/2": 0, "v1.2.3": 1, "refs/tags/v1.2.3": 1, "outer": 2} {
		t.Run(name, func(t *testing.T) {
			request := s.https("one.git")
			request.Reference = name
			dir, _ := clone(t, request)
			again, _ := clone(t, request)
			if paths := differing(snapshot(t, dir), snapshot(t, again)); len(paths) > 0 {
				t.Errorf("two clones differ in %q", paths)
			}
			short := strings.TrimPrefix(name, "refs/tags/")
			audit(t, dir, commit)
			if got := git(t, dir, "", "describe", "--tags"); got != short && name != "outer" { // of two on one commit git takes another
				t.Errorf("git describe: %s", got)
			}
			if got, want := git(t, dir, "", "for-each-ref"), s.git(t, "one.git", "", "for-each-ref", "refs/tags/"+short); got != want {
				t.Errorf("the clone has %q, want %q", got, want)
			}
			if got := strings.Count(git(t, dir, "", "cat-file", "--batch-all-objects", "--batch-check"), " tag "); got != objects {
				t.Errorf("%d annotated tags, want %d", got, objects)
			}
			if objects == 1 {
				git(t, dir, "", append(ssh, "verify-tag", short)...)
			}
		})
	}
	// Neither a branch nor a commit id brings a tag.
	for _, reference := range []string{"main", commit, s.git(t, "one.git", "", "rev-parse", "v1.2.3")} {
		request := s.https("one.git")
		request.Reference = reference
		dir, _ := clone(t, request)
		if got := git(t, dir, "", "for-each-ref", "refs/tags"); got != "" {
			t.Errorf("%s: the clone has %q", reference, got)
		}
		if got := git(t, dir, "", "cat-file", "--batch-all-objects", "--batch-check"); strings.Contains(got, " tag ") {
			t.Errorf("%s: the clone has the objects %s", reference, got)
		}
	}
}
