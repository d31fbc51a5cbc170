package parameters

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/volume"
)

// Parameters that an earlier version accepted and this one refuses must not keep a
// server from starting: they are replaced by an update with the same SECRET.
func TestParametersOfAnEarlierVersion(t *testing.T) {
	for _, name := range []string{sealedName, importedName} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.memory.secrets[name] = wireForm(t, "DOCKER_PUSH_SERVER", "us.icr.io", "DOCKER_REPO", "Upper/App")
			f.restart()
			var refused *api.ParameterError
			if _, err := f.Current(); !errors.As(err, &refused) || refused.Key != "DOCKER_REPO" || !strings.Contains(refused.Problem, "run update") {
				t.Errorf("Current: %v", err)
			}
			if err := f.Use(func(api.Parameters) error { t.Error("they were used"); return nil }); !errors.As(err, &refused) {
				t.Errorf("Use: %v", err)
			}
			if err := f.Update(with(t, "SECRET", otherSecret)); !errors.Is(err, ErrWrongSecret) {
				t.Errorf("an update without the secret: %v", err)
			}
			if err := f.Update(with(t)); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Current(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDamagedParameters checks that a store opens without them, uses them as soon as
// they are readable, and never writes over them.
func TestDamagedParameters(t *testing.T) {
	f := newFixture(t)
	if err := f.Init(with(t)); err != nil {
		t.Fatal(err)
	}
	good := f.sealed()
	f.memory.failing = fmt.Errorf("open: %w", &volume.SealedError{File: "sealed/parameters"})
	f.restart()
	attempts := map[string]func() error{
		"Current": func() error { _, err := f.Current(); return err },
		"Init":    func() error { return f.Init(with(t)) },
		"Update":  func() error { return f.Update(with(t)) },
		"Use":     func() error { return f.Use(func(api.Parameters) error { return nil }) },
		"Import": func() error {
			return f.Import(secret, func(*api.Parameters) (Imported, error) { return Imported{}, nil })
		},
	}
	for name, attempt := range attempts {
		if err := attempt(); !errors.Is(err, f.memory.failing) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The file can be unsealed again, but has other content.
	f.memory.failing = nil
	f.memory.secrets[sealedName] = []byte("not JSON")
	for range 2 {
		for name, attempt := range attempts {
			if err := attempt(); err == nil || errors.Is(err, ErrNotInitialised) {
				t.Errorf("%s, with another text: %v", name, err)
			}
		}
	}
	if got := string(f.memory.secrets[sealedName]); got != "not JSON" {
		t.Errorf("it was overwritten by %s", got)
	}
	f.memory.secrets = good
	if _, err := f.Current(); err != nil {
		t.Errorf("after it was restored: %v", err)
	}
}

func TestOpenNeedsReadableSecrets(t *testing.T) {
	f := newFixture(t)
	f.memory.failing = errors.New("the disk has a fault")
	if _, err := Open(f.memory, f.slot); !errors.Is(err, f.memory.failing) {
		t.Errorf("got %v", err)
	}
}

func TestImport(t *testing.T) {
	public, err := json.Marshal(with(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("the volume is full")
	type outcome struct {
		committed bool     // the state
		sealed    []string // names
		err       error    // of Import
		current   error    // of Current afterwards
	}
	for name, test := range map[string]struct {
		before func(*fixture) error
		secret api.Secret
		commit error
		want   outcome
	}{
		"a new server":           {nil, secret, nil, outcome{true, []string{importedName}, nil, ErrIncomplete}},
		"a configured server":    {func(f *fixture) error { return f.Init(with(f.t)) }, secret, nil, outcome{true, nil, nil, nil}},
		"another secret":         {func(f *fixture) error { return f.Init(with(f.t)) }, otherSecret, nil, outcome{false, nil, ErrWrongSecret, nil}},
		"what can't be stored":   {nil, secret, cause, outcome{true, []string{importedName}, cause, ErrNotInitialised}},
		"one that was imported":  {func(f *fixture) error { return f.importFrom(public, nil) }, secret, nil, outcome{true, []string{importedName}, nil, ErrIncomplete}},
		"imported, other secret": {func(f *fixture) error { return f.importFrom(public, nil) }, otherSecret, nil, outcome{false, nil, ErrWrongSecret, ErrIncomplete}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if test.before != nil {
				if err := test.before(f); err != nil {
					t.Fatal(err)
				}
			}
			var got outcome
			got.err = f.Import(test.secret, func(here *api.Parameters) (Imported, error) {
				if (here == nil) != (test.before == nil) {
					t.Errorf("read was called with %v", here)
				}
				return Imported{Parameters: public, Commit: func(secrets map[string][]byte) error {
					got.committed = true
					for name := range secrets {
						got.sealed = append(got.sealed, name)
					}
					return test.commit
				}}, nil
			})
			_, got.current = f.Current()
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// importFrom imports parameters into a store that has none, and seals them.
func (f *fixture) importFrom(public json.RawMessage, commit error) error {
	return f.Import(secret, func(*api.Parameters) (Imported, error) {
		return Imported{Parameters: public, Commit: func(secrets map[string][]byte) error {
			for name, text := range secrets {
				f.memory.secrets[name] = text
			}
			return commit
		}}, nil
	})
}

// TestImportedParametersLackPasswords pins what is documented: they are known after
// a restart, nothing is built with them, and the first update replaces them.
func TestImportedParametersLackPasswords(t *testing.T) {
	public, err := json.Marshal(with(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	if err := f.importFrom(public, nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := f.Current()
		if !errors.Is(err, ErrIncomplete) || got.Repository() != with(t).Repository() || got.DockerPassword != "" || string(got.Secret) != secret {
			t.Errorf("got %+v, %v", got, err)
		}
		f.restart()
	}
	if err := f.Update(with(t)); err != nil {
		t.Fatal(err)
	}
	f.restart()
	if got, err := f.Current(); err != nil || string(got.DockerPassword) != "pass-word" {
		t.Errorf("after the update: %+v, %v", got, err)
	}
}
