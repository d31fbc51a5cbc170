package transfer

import (
	"errors"
	"maps"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/parameters"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

func TestImport(t *testing.T) {
	text := built(t).export()
	f := newFixture(t)
	if err := f.Import(secret, text); err != nil {
		t.Fatal(err)
	}
	if got := f.get("manifest/key"); got != "the manifest key" {
		t.Errorf("the manifest key is %q", got)
	}
	latest, folder, err := f.History.Latest()
	if err != nil || latest.BuildName != "name."+id(2) {
		t.Fatalf("the latest build is %s, %v", latest.BuildName, err)
	}
	if key, err := folder.PublicKey(); err != nil || string(key) != "key of "+id(2) {
		t.Errorf("its key is %s, %v", key, err)
	}
	got, err := f.Parameters.Current()
	if !errors.Is(err, parameters.ErrIncomplete) || got.Repository() != "docker.io/namespace/name" {
		t.Errorf("the parameters are %+v, %v", got, err)
	}
}

func TestRefusedStatesChangeNothing(t *testing.T) {
	text := built(t).export()
	newer := built(t)
	newer.Sealed = append(newer.Sealed, stateimage.Sealed{Name: "new/secret", Travels: true})
	newer.put("new/secret", "of a newer version")
	damaged := built(t)
	damaged.put("records/1", "damaged")
	hostile := built(t) // a server that seals what must stay
	hostile.Sealed = stateimage.Declarations{{Name: "parameters", Travels: true}, {Name: "manifest/key", Travels: true}, {Name: "records/", Travels: true}}
	for name, test := range map[string]struct {
		here   func(*fixture)
		secret string
		text   string
		want   error
	}{
		"another secret":           {nil, otherSecret, text, stateimage.ErrDeveloperSecret},
		"not the server's secret":  {func(f *fixture) { f.init("namespace/name", otherSecret) }, secret, text, parameters.ErrWrongSecret},
		"another server image":     {func(f *fixture) { f.Keys = imageKeys(2) }, secret, text, stateimage.ErrImageSecret},
		"another repository":       {func(f *fixture) { f.init("other/name", secret) }, secret, text, ErrOtherRepository},
		"one key more here":        {func(f *fixture) { f.put("dct/later", "x") }, secret, text, ErrWouldLoseKeys},
		"another key here":         {func(f *fixture) { f.put("manifest/key", "x") }, secret, text, ErrWouldLoseKeys},
		"records that don't merge": {func(f *fixture) { f.put("records/1", "1") }, secret, damaged.export(), errNoRecord},
		"a name of a newer server": {nil, secret, newer.export(), ErrUnknownName},
		"a name that stays":        {nil, secret, hostile.export(), ErrUnknownName},
		"no state":                 {nil, secret, "hello", stateimage.ErrNotState},
		"a build runs":             {func(f *fixture) { f.slot.running = true }, secret, text, job.ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if test.here != nil {
				test.here(f)
			}
			before := plainvolume.Files(t, f.dir)
			_, was := f.Parameters.Current()
			if err := f.Import(api.Secret(test.secret), test.text); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if !maps.Equal(before, plainvolume.Files(t, f.dir)) {
				t.Error("the volume changed")
			}
			if _, is := f.Parameters.Current(); !errors.Is(is, was) {
				t.Errorf("the parameters changed: %v, then %v", was, is)
			}
		})
	}
}

// TestRecordsAreMerged checks that records are merged one by one, and that one which
// only this server has is kept.
func TestRecordsAreMerged(t *testing.T) {
	for name, test := range map[string]struct{ ours, theirs, want string }{
		"theirs is longer": {"1234", "12345", "12345"},
		"ours is longer":   {"123456", "12345", "123456"},
		"none here":        {"", "12345", "12345"},
		"none there":       {"1", "", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			f, other := newFixture(t), built(t)
			if test.ours != "" {
				f.put("records/2", test.ours)
			}
			if test.theirs != "" {
				other.put("records/2", test.theirs)
			}
			if err := f.Import(secret, other.export()); err != nil {
				t.Fatal(err)
			}
			if got := f.get("records/2"); got != test.want {
				t.Errorf("kept %q, want %q", got, test.want)
			}
		})
	}
}

func TestDecodeSecret(t *testing.T) {
	for _, wrong := range []string{"", "no base64!"} {
		if _, err := DecodeSecret(api.Secret(wrong)); err == nil {
			t.Errorf("%q was decoded", wrong)
		}
		if err := newFixture(t).Import(api.Secret(wrong), "x"); err == nil {
			t.Errorf("%q was accepted", wrong)
		}
	}
}
