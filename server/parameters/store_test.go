package parameters

import (
	"errors"
	"reflect"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

func TestReplacing(t *testing.T) {
	initially := func(changed ...string) func(*fixture) error {
		return func(f *fixture) error { return f.Init(with(f.t, changed...)) }
	}
	update := func(changed ...string) func(*fixture) error {
		return func(f *fixture) error { return f.Update(with(f.t, changed...)) }
	}
	type step struct {
		do   func(*fixture) error
		want error
	}
	for name, test := range map[string]struct {
		steps  []step
		secret string // afterwards
	}{
		"update before init":       {[]step{{update(), ErrNotInitialised}}, ""},
		"init again":               {[]step{{initially(), nil}, {initially("IMAGE_TAG_PREFIX", "v2"), nil}}, secret},
		"init with another secret": {[]step{{initially(), nil}, {initially("SECRET", otherSecret), ErrWrongSecret}}, secret},
		"update with another":      {[]step{{initially(), nil}, {update("SECRET", otherSecret), ErrWrongSecret}}, secret},
		"a new secret": {[]step{
			{initially(), nil},
			{update("NEW_SECRET", otherSecret), nil},
			{update("NEW_SECRET", otherSecret), nil}, // the response was lost
			{update(), ErrWrongSecret},
			{update("SECRET", otherSecret), nil},
		}, otherSecret},
		"a new secret without the old one": {[]step{{initially(), nil}, {update("SECRET", otherSecret, "NEW_SECRET", "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCA="), ErrWrongSecret}}, secret},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			for i, step := range test.steps {
				if err := step.do(f); !errors.Is(err, step.want) {
					t.Fatalf("step %d: got %v, want %v", i, err, step.want)
				}
			}
			for range 2 { // the second time after a restart
				got, err := f.Current()
				if test.secret == "" && !errors.Is(err, ErrNotInitialised) || test.secret != "" && err != nil {
					t.Errorf("Current: %v", err)
				}
				if string(got.Secret) != test.secret || got.NewSecret != "" {
					t.Errorf("the secret is %q, the new one %q", string(got.Secret), string(got.NewSecret))
				}
				f.restart()
			}
		})
	}
}

func TestInitRefusesANewSecret(t *testing.T) {
	f := newFixture(t)
	var refused *api.ParameterError
	if err := f.Init(with(t, "NEW_SECRET", otherSecret)); !errors.As(err, &refused) || refused.Key != "NEW_SECRET" {
		t.Errorf("got %v", err)
	}
	if len(f.sealed()) != 0 {
		t.Error("something was sealed")
	}
}

func TestNothingChangesWhileABuildRuns(t *testing.T) {
	f := newFixture(t)
	if err := f.Init(with(t)); err != nil {
		t.Fatal(err)
	}
	before := f.sealed()
	f.slot.running = true
	forbidden := func(api.Parameters) error { t.Error("UseIdle called use"); return nil }
	for name, err := range map[string]error{
		"Init":    f.Init(with(t, "IMAGE_TAG_PREFIX", "v2")),
		"Update":  f.Update(with(t, "IMAGE_TAG_PREFIX", "v2")),
		"UseIdle": f.UseIdle(forbidden),
		"Import":  f.Import(secret, func(*api.Parameters) (Imported, error) { t.Error("Import read"); return Imported{}, nil }),
	} {
		if !errors.Is(err, job.ErrBusy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !reflect.DeepEqual(before, f.sealed()) {
		t.Error("the sealed parameters changed")
	}
}

// TestDurableBeforeVisible checks that what could not be sealed is not used.
func TestDurableBeforeVisible(t *testing.T) {
	f := newFixture(t)
	if err := f.Init(with(t)); err != nil {
		t.Fatal(err)
	}
	f.memory.failing = errors.New("the disk is full")
	if err := f.Update(with(t, "IMAGE_TAG_PREFIX", "v2")); !errors.Is(err, f.memory.failing) {
		t.Errorf("got %v", err)
	}
	if got, err := f.Current(); err != nil || got.ImageTagPrefix == "v2" {
		t.Errorf("shown are %+v, %v", got, err)
	}
}

// TestUseLocksParameters checks that the parameters can't be replaced before use returns.
func TestUseLocksParameters(t *testing.T) {
	f := newFixture(t)
	if err := f.Init(with(t)); err != nil {
		t.Fatal(err)
	}
	for name, use := range map[string]func(func(api.Parameters) error) error{"Use": f.Use, "UseIdle": f.UseIdle} {
		called := false
		cause := errors.New("of use")
		err := use(func(got api.Parameters) error {
			called = true
			if f.mu.TryLock() {
				f.mu.Unlock()
				t.Errorf("%s: the parameters can be replaced", name)
			}
			if got.Repository() != with(t).Repository() {
				t.Errorf("%s: got %+v", name, got)
			}
			return cause
		})
		if !called || !errors.Is(err, cause) {
			t.Errorf("%s: called %v, returned %v", name, called, err)
		}
	}
}

// TestSnapshotsAreCopies changes everything that can be changed in the parameters that
// a Store was given, and in those that it returned: the Store keeps its own.
func TestSnapshotsAreCopies(t *testing.T) {
	f := newFixture(t)
	given := with(t)
	given.Args, given.EnvWhitelist = map[string]string{"KEY": "value"}, []string{"NAME"}
	damage := func(p api.Parameters) {
		p.Args["KEY"], p.EnvWhitelist[0] = "damaged", "DAMAGED"
	}
	undamaged := func(after string) {
		t.Helper()
		if got, err := f.Current(); err != nil || got.Args["KEY"] != "value" || got.EnvWhitelist[0] != "NAME" {
			t.Errorf("after %s: %v, %v, %v", after, got.Args, got.EnvWhitelist, err)
		}
	}
	if err := f.Init(given); err != nil {
		t.Fatal(err)
	}
	damage(given)
	undamaged("Init")
	current, err := f.Current()
	if err != nil {
		t.Fatal(err)
	}
	damage(current)
	undamaged("Current")
	if err := f.Use(func(p api.Parameters) error { damage(p); return nil }); err != nil {
		t.Fatal(err)
	}
	undamaged("Use")
	stop := errors.New("not imported")
	err = f.Import(secret, func(here *api.Parameters) (Imported, error) { damage(*here); return Imported{}, stop })
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	undamaged("Import")
}
