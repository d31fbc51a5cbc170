//go:build stack

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/verify"
	"github.com/opensbs/sbs/test/kit"
)

// tampered checks that each change fails the row that checks it. Changes that need
// the server's key are in the tests of package client/verify.
func (a auditor) tampered(t *testing.T) {
	t.Run("a file of the manifest", func(t *testing.T) { a.tamperedManifest(t) })
	t.Run("the manifest of another build", func(t *testing.T) {
		a.env.prepare(t, "verified-other", files{"Dockerfile": "FROM scratch\nCOPY x /\n", "x": "other"}, nil)
		dir, name := a.env.saveManifest(t, a.env.MustBuild(t).BuildName)
		a := a
		a.manifest = filepath.Join(dir, name+".sig.tbz")
		a.checkFailed(t, []string{"build record"})
	})
	t.Run("no manifest", func(t *testing.T) {
		a := a
		a.manifest = ""
		a.checkFailedWith(t, 4, []string{"manifest"})
		if report, s := a.verify(t, a.image, "--skip", "manifest"); s.Code != 0 || !slices.Equal(report.LeftOut, []string{"manifest"}) {
			t.Errorf("with --skip manifest: %+v", s)
		}
	})
	t.Run("a simple signature", func(t *testing.T) {
		a := a
		a.lookup = t.TempDir()
		a.checkFailed(t, []string{"signature simple"})
	})
	t.Run("another root key", func(t *testing.T) {
		a := a
		id := strings.Repeat("0a", 32)
		a.trust = a.changedTrust(t, func(trust *verify.Trust) {
			trust.Signatures[0] = verify.Key{Method: api.SigningDCT, ID: id, Key: id}
		})
		a.checkFailed(t, []string{"signature dct"})
	})
	t.Run("another repository of the source", func(t *testing.T) {
		a := a
		a.trust = a.changedTrust(t, func(trust *verify.Trust) { trust.Source = "git@example.com:app.git" })
		a.checkFailed(t, []string{"source"})
	})
	t.Run("the registry", func(t *testing.T) { a.tamperedRegistry(t) })
}

// changedTrust writes a changed copy of the trust file and returns its path.
func (a auditor) changedTrust(t *testing.T, change func(*verify.Trust)) (path string) {
	t.Helper()
	trust, err := verify.ParseTrust([]byte(read(t, a.trust)))
	if err != nil {
		t.Fatal(err)
	}
	change(&trust)
	text, err := trust.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "trust.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tamperedManifest changes each file of the archive and packs it again.
func (a auditor) tamperedManifest(t *testing.T) {
	for _, member := range []string{"data/build.json", "data/build.log", "data/provenance.sigstore.json", "git/folder/deep/file", "git/.git/objects/pack/*.pack"} {
		t.Run(member, func(t *testing.T) {
			dir, name := a.env.saveManifest(t, a.built.BuildName)
			kit.MustExecute(t, dir, nil, "", "tar", "-xjf", "./"+name+".sig.tbz")
			kit.MustExecute(t, dir, nil, "", "tar", "--no-same-owner", "-xjf", "./"+name+".tbz")
			found, err := filepath.Glob(filepath.Join(dir, member))
			if err != nil || len(found) != 1 {
				t.Fatalf("%q, %v", found, err)
			}
			if err := os.Chmod(found[0], 0o600); err != nil {
				t.Fatal(err)
			}
			flipBit(t, found[0])
			kit.MustExecute(t, dir, nil, "", "tar", "-cjf", "./"+name+".tbz", "data", "git")
			kit.MustExecute(t, dir, nil, "", "tar", "-cjf", "./"+name+".sig.tbz", name+".tbz", name+".sig")
			a := a
			a.manifest = filepath.Join(dir, name+".sig.tbz")
			a.checkFailed(t, []string{"manifest"})
		})
	}
}

// tamperedRegistry replaces the signatures and attestations in the registry by an
// empty index, and then the image itself.
func (a auditor) tamperedRegistry(t *testing.T) {
	repository, err := name.NewRepository(a.image)
	if err != nil {
		t.Fatal(err)
	}
	writer := a.env.Registry.Writer()
	account := remote.WithAuth(authn.FromConfig(authn.AuthConfig{Username: writer.User, Password: writer.Password}))
	report, _ := a.verify(t, a.image)
	hex := strings.TrimPrefix(report.Digest, "sha256:")
	for _, test := range []struct {
		tag   string
		fails []string
	}{
		{"sha256-" + hex + ".sig", []string{"signature sigstore-legacy"}},
		{"sha256-" + hex, []string{"signature sigstore", "signature sigstore-legacy", "provenance", "bill of materials", "copies"}},
		{"latest", []string{"signature dct", "signature simple", "signature sigstore", "signature sigstore-legacy", "build record", "provenance", "bill of materials"}},
	} {
		t.Run(test.tag[:6], func(t *testing.T) {
			if err := remote.WriteIndex(repository.Tag(test.tag), empty.Index, account); err != nil {
				t.Fatal(err)
			}
			a.checkFailed(t, test.fails)
		})
	}
}
