package signedmanifest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/client/advice"
)

const build = "docker.io.ns.name.v1-ad52e76.2026-02-10_15-37-37.178350"

// The keys of all tests: to make one takes longer than a test.
var makeKeys = sync.OnceValues(func() (keys [2]*rsa.PrivateKey, err error) {
	for i := range keys {
		if keys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return keys, err
		}
	}
	return keys, nil
})

func twoKeys(t *testing.T) (key, other *rsa.PrivateKey) {
	t.Helper()
	keys, err := makeKeys()
	if err != nil {
		t.Fatal(err)
	}
	return keys[0], keys[1]
}

// signedFile writes the manifest of a build, signed with key, under the name of
// the build called as.
func signedFile(t *testing.T, key *rsa.PrivateKey, recorded, as string) string {
	t.Helper()
	modified := time.Unix(1_700_000_000, 0)
	var tbz, out bytes.Buffer
	digest, err := manifest.Write(t.Context(), &tbz, manifest.Contents{
		Record:   []byte(`{"build_name":"` + recorded + `"}`),
		Log:      io.NewSectionReader(strings.NewReader("log\n"), 0, 4),
		Git:      fstest.MapFS{"Dockerfile": {Data: []byte("FROM scratch\n")}, "a/b": {Data: []byte("12345")}},
		Modified: modified,
	})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := manifest.Sign(digest, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := manifest.WriteSigned(t.Context(), &out, manifest.Name(as), &tbz, int64(tbz.Len()), signature, modified); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), manifest.Name(as)+".sig.tbz")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestManifestUnpacksVerified(t *testing.T) {
	defer goleak.VerifyNone(t)
	key, _ := twoKeys(t)
	path := signedFile(t, key, build, build)
	result, err := Manifest(t.Context(), path, &key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if result.Name != manifest.Name(build) || result.Summary.Files != 2 || result.Summary.Bytes != 18 {
		t.Errorf("got %+v", result)
	}
	archive, err := os.Open(strings.TrimSuffix(path, ".sig.tbz") + ".tbz")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if summary, err := manifest.Read(archive); err != nil || summary.Files != 2 {
		t.Errorf("the unpacked archive: %+v, %v", summary, err)
	}
	signature, err := os.ReadFile(strings.TrimSuffix(path, ".sig.tbz") + ".sig")
	if err != nil || len(signature) != 512 {
		t.Errorf("the unpacked signature has %d characters, %v", len(signature), err)
	}
	if err := SelfTest(t.Context(), result, &key.PublicKey); err != nil {
		t.Error(err)
	}
}

func TestManifestRefuses(t *testing.T) {
	key, other := twoKeys(t)
	changed := signedFile(t, key, build, build)
	// Another archive under the old signature: what a forger would do.
	forge(t, changed, signedFile(t, other, build, build))
	cut := signedFile(t, key, build, build)
	if err := os.Truncate(cut, 100); err != nil {
		t.Fatal(err)
	}
	renamed := filepath.Join(t.TempDir(), "manifest.other.sig.tbz")
	if err := os.Rename(signedFile(t, key, build, build), renamed); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, path string
		want       error
	}{
		{"another key", signedFile(t, other, build, build), manifest.ErrSignature},
		{"changed", changed, manifest.ErrSignature},
		{"cut off", cut, manifest.ErrFormat},
		{"of another build", signedFile(t, key, "docker.io.ns.old", build), ErrOtherBuild},
		{"renamed", renamed, ErrOtherBuild},
	} {
		t.Run(test.name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			_, err := Manifest(t.Context(), test.path, &key.PublicKey)
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if advice.Next(err) == "" {
				t.Error("no advice")
			}
			entries, err := os.ReadDir(filepath.Dir(test.path))
			if err != nil || len(entries) != 1 {
				t.Errorf("something was unpacked: %v, %v", entries, err)
			}
		})
	}
}

// forge signs nothing: it puts the archive of with into path, under the
// signature that path has.
func forge(t *testing.T, path, with string) {
	t.Helper()
	var tbz bytes.Buffer
	old := split(t, path, io.Discard)
	split(t, with, &tbz)
	changed := tbz.Bytes()
	changed[len(changed)-1] ^= 1
	var out bytes.Buffer
	if err := manifest.WriteSigned(t.Context(), &out, old.Name, bytes.NewReader(changed), int64(len(changed)), old.Signature, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func split(t *testing.T, path string, w io.Writer) manifest.Signed {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	signed, err := manifest.Split(file, w)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// TestNothingIsWrittenBeforeTheSignature opens the file where none can be made
// next to it.
func TestNothingIsWrittenBeforeTheSignature(t *testing.T) {
	key, other := twoKeys(t)
	file, err := os.Open(signedFile(t, key, build, build))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	path := fmt.Sprintf("/proc/self/fd/%d", file.Fd())
	if _, err := Manifest(t.Context(), path, &other.PublicKey); !errors.Is(err, manifest.ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	if _, err := Manifest(t.Context(), path, &key.PublicKey); err == nil || errors.Is(err, manifest.ErrSignature) {
		t.Errorf("the right key, and no place for the archive: %v", err)
	}
}

func TestManifestStopsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t)
	key, _ := twoKeys(t)
	path := signedFile(t, key, build, build)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Manifest(ctx, path, &key.PublicKey); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A check that accepts everything must not pass the test of the check: with the
// signature over the changed archive, the change is not noticed.
func TestTamperedNoticesABlindCheck(t *testing.T) {
	key, _ := twoKeys(t)
	result, err := Manifest(t.Context(), signedFile(t, key, build, build), &key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := os.ReadFile(result.Archive)
	if err != nil {
		t.Fatal(err)
	}
	archive[len(archive)/2] ^= 0xff // SelfTest changes it back
	if err := os.WriteFile(result.Archive, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := SelfTest(t.Context(), result, &key.PublicKey); err == nil {
		t.Error("a change that the signature does not show went through")
	}
}

func TestParsePublicKey(t *testing.T) {
	key, _ := twoKeys(t)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParsePublicKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if err != nil || !got.Equal(&key.PublicKey) {
		t.Errorf("got %v, %v", got, err)
	}
	for name, text := range map[string][]byte{
		"nothing":     nil,
		"private key": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		"both halves": append(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})...),
		"damaged":     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der[1:]}),
	} {
		if _, err := ParsePublicKey(text); err == nil {
			t.Errorf("%s was mistaken for a public key", name)
		}
	}
}
