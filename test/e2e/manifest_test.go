//go:build stack

package e2e

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/kit"
)

const verifyScript = "testdata/verify-manifest.sh"

// saveManifest downloads a manifest and its key to a new folder, under their default
// names.
func (env *environment) saveManifest(t testing.TB, buildName string) (dir, name string) {
	t.Helper()
	dir = t.TempDir()
	name, _, err := env.Client.SaveManifest(t.Context(), buildName, dir)
	if err != nil {
		t.Fatal(err)
	}
	key, err := env.Client.PublicKey(t.Context(), buildName)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+"-public.pem"), []byte(key.PublicKeyPEM), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, name
}

// unpackManifest verifies a manifest with the documented script, and unpacks it to a
// new folder.
func (env *environment) unpackManifest(t testing.TB, buildName string) (dir string) {
	t.Helper()
	dir, name := env.saveManifest(t, buildName)
	script, err := filepath.Abs(verifyScript)
	if err != nil {
		t.Fatal(err)
	}
	if s := kit.MustExecute(t, dir, nil, "", "sh", script, name); strings.TrimSpace(s.Out) != "Verified OK" {
		t.Fatalf("openssl printed %q, %q", s.Out, s.Err)
	}
	kit.MustExecute(t, dir, nil, "", "tar", "--no-same-owner", "-xjf", "./"+name+".tbz")
	return dir
}

// tar and openssl verify the manifest, and git its git folder. Two builds of a commit
// have the same git folder.
func TestManifestVerifiesWithStandardTools(t *testing.T) {
	env := shared
	content := maps.Clone(hello)
	content["folder/deep/file"] = "deep\n"
	commit := env.prepare(t, "manifest", content, nil)
	built := env.MustBuild(t)
	dir := env.unpackManifest(t, built.BuildName)
	git := filepath.Join(dir, "git")
	first := contents(t, git) // git status may refresh the index
	if head := kit.MustExecute(t, git, nil, "", "git", "rev-parse", "HEAD").Out; head != commit+"\n" {
		t.Errorf("HEAD is %q, want %s", head, commit)
	}
	if changed := kit.MustExecute(t, git, nil, "", "git", "status", "--porcelain"); changed.Out != "" {
		t.Errorf("git status printed %q", changed.Out)
	}
	if broken := kit.MustExecute(t, dir, nil, "", "git", "-C", "git", "fsck", "--full"); strings.Contains(broken.Out+broken.Err, "error") {
		t.Errorf("git fsck printed %q, %q", broken.Out, broken.Err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "data", "build.log"))
	if err != nil || !strings.HasPrefix(built.Log()+"\n", string(log)) || !strings.Contains(string(log), "image pushed") {
		t.Errorf("data/build.log: %v, and not the beginning of the log:\n%s", err, log)
	}

	again := env.MustBuild(t)
	second := contents(t, filepath.Join(env.unpackManifest(t, again.BuildName), "git"))
	if !maps.Equal(first, second) || len(first) == 0 {
		t.Errorf("the git folders of one commit differ:\n%v\n%v", first, second)
	}
}

// contents returns the mode, the modification time and the digest of each path below
// dir.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		found[name] = fmt.Sprint(info.Mode(), info.ModTime().UTC())
		if !info.Mode().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		found[name] += fmt.Sprintf(" %x", sha256.Sum256(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// openssl refuses a manifest with a changed archive or signature.
func TestTamperedManifestIsRefused(t *testing.T) {
	env := shared
	env.prepare(t, "tampered", hello, nil)
	built := env.MustBuild(t)
	other := env.MustBuild(t)
	script, err := filepath.Abs(verifyScript)
	if err != nil {
		t.Fatal(err)
	}
	for what, tamper := range map[string]func(dir, name string){
		"a byte of the archive": func(dir, name string) { flipBit(t, filepath.Join(dir, name+".tbz")) },
		"a digit of the signature": func(dir, name string) {
			path := filepath.Join(dir, name+".sig")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text[10] = map[bool]byte{true: '1', false: '0'}[text[10] == '0']
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"the archive of another build": func(dir, name string) {
			members := env.unpackSigned(t, other.BuildName)
			if err := os.Rename(members+".tbz", filepath.Join(dir, name+".tbz")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir, name := env.saveManifest(t, built.BuildName)
			kit.MustExecute(t, dir, nil, "", "tar", "-xjf", "./"+name+".sig.tbz")
			tamper(dir, name)
			kit.MustExecute(t, dir, nil, "", "tar", "-cjf", "./"+name+".sig.tbz", name+".tbz", name+".sig")
			s := kit.Execute(t, dir, nil, "", "sh", script, name)
			if s.Code == 0 || !strings.Contains(s.Out+s.Err, "Verification failure") {
				t.Errorf("openssl printed %+v, want a refusal", s)
			}
		})
	}
}

// unpackSigned unpacks the outer archive of a signed manifest and returns the path of
// its members without their extensions.
func (env *environment) unpackSigned(t *testing.T, buildName string) string {
	t.Helper()
	dir, name := env.saveManifest(t, buildName)
	kit.MustExecute(t, dir, nil, "", "tar", "-xjf", "./"+name+".sig.tbz")
	return filepath.Join(dir, name)
}

// flipBit changes one bit in the middle of a file.
func flipBit(t testing.TB, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The server returns the public key in a format that openssl reads.
func TestPublicKeyIsPEM(t *testing.T) {
	env := shared
	env.prepare(t, "pem", hello, nil)
	env.MustBuild(t)
	reply := env.Request(t, http.MethodGet, "/publickey", `""`).Object()
	text, _ := reply["public_key_pem"].(string)
	s := kit.MustExecute(t, "", nil, text, "openssl", "pkey", "-pubin", "-noout", "-text")
	if !strings.Contains(s.Out, "Public-Key: (3072 bit)") {
		t.Errorf("openssl reads the public key as %s", s.Out)
	}
}
