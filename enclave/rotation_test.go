package enclave

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestSuccessorUnsealsAndReseals(t *testing.T) {
	old, alone := withSecret(1), withSecret(2)
	successor := withSecret(2)
	successor.previous = [][]byte{bytes.Repeat([]byte{9}, minSecret), old.secret}

	sealed, err := old.Seal("name", []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := successor.Unseal("name", sealed); err != nil || string(text) != "text" {
		t.Errorf("got %q, %v", text, err)
	}
	if !successor.NeedsReseal(sealed) || old.NeedsReseal(sealed) || alone.NeedsReseal(sealed) || successor.NeedsReseal([]byte("x")) {
		t.Error("only what a known previous secret sealed needs to be resealed")
	}
	if _, err := alone.Unseal("name", sealed); !errors.Is(err, ErrOtherSecret) {
		t.Errorf("got %v, want ErrOtherSecret", err)
	}
	resealed, err := successor.Seal("name", []byte("text"))
	if err != nil || successor.NeedsReseal(resealed) {
		t.Errorf("the resealed text still needs to be resealed, %v", err)
	}
	if text, err := alone.Unseal("name", resealed); err != nil || string(text) != "text" {
		t.Errorf("the successor alone: %q, %v", text, err)
	}

	salt := make([]byte, 32)
	want, err := old.StateKey(old.SecretID(), []byte("developer"), salt)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := successor.StateKey(old.SecretID(), []byte("developer"), salt); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the state key is another one, %v", err)
	}
}

func TestPreviousSecretsOfTheContract(t *testing.T) {
	dir := t.TempDir()
	if _, err := Simulate(dir); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(dir, filePrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	encoded := func(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, minSecret)) }
	for previous, want := range map[string]int{"": 0, encoded(2): 1, encoded(2) + ", " + encoded(3): 2, "%": -1, "QUFB": -1} {
		values := map[string]string{EnvImageSecret: encoded(1), EnvImagePrivateKey: base64.StdEncoding.EncodeToString(key), EnvImageSecretPrevious: previous}
		e, err := FromContract(func(name string) string { return values[name] })
		switch {
		case want < 0 && err == nil:
			t.Errorf("%q was accepted", previous)
		case want >= 0 && (err != nil || len(e.previous) != want):
			t.Errorf("%q: %v, want %d secrets", previous, err, want)
		}
	}
}

func TestSimulatedRotation(t *testing.T) {
	dir := t.TempDir()
	old, err := Simulate(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, fileSecret), filepath.Join(dir, filePrevious)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileSecret), bytes.Repeat([]byte{7}, minSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	successor, err := Simulate(dir)
	if err != nil || !successor.HasSecret(old.SecretID()) || bytes.Equal(successor.SecretID(), old.SecretID()) {
		t.Errorf("no rotation: %v", err)
	}
}
