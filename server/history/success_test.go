package history

import (
	"errors"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

func TestSucceeded(t *testing.T) {
	v := plainvolume.Open(t, t.TempDir())
	b := New(v.Builds(), v.Space)
	if _, _, err := b.Latest(); !errors.Is(err, ErrNoSuccess) {
		t.Errorf("of an empty history: %v", err)
	}
	keep(t, v, 1, api.StatusSuccess, 0)
	keep(t, v, 2, failed, 0)
	if _, err := v.Builds().Create(id(3)); err != nil { // it is running
		t.Fatal(err)
	}
	for _, find := range []func() (string, string, error){
		func() (string, string, error) { r, folder, err := b.Latest(); return r.ID, folder.ID(), err },
		func() (string, string, error) { r, folder, err := b.Succeeded(id(1)); return r.ID, folder.ID(), err },
	} {
		if recorded, folder, err := find(); err != nil || recorded != id(1) || folder != id(1) {
			t.Errorf("got the record of %s in the folder %s, %v", recorded, folder, err)
		}
	}
	for name, id := range map[string]string{"a failed build": id(2), "a running build": id(3), "an unknown build": id(4), "no id": "../x"} {
		if _, _, err := b.Succeeded(id); !errors.Is(err, ErrNoSuchBuild) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
