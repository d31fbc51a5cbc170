package envname

import (
	"slices"
	"testing"
)

func TestFind(t *testing.T) {
	known := []string{"SBS_CA_BUNDLE", "SBS_VALUE", "SBS_VOLUME", "SBS_LISTEN"} // a name that resembles one less comes first
	environ := []string{"PATH=/bin", "SBS_LISTEN=:443", "SBS_CA_BUNDEL=/a=b", "SBS_VOLUMES=", "sbs_volume=/data", "SBS_WHATEVER_ELSE=1", "SBS=1", "XSBS_VOLUM=1", "SBS_VOLUMES=twice"}
	want := []Unknown{{"SBS_CA_BUNDEL", "SBS_CA_BUNDLE"}, {"SBS_VOLUMES", "SBS_VOLUME"}, {"SBS_WHATEVER_ELSE", ""}, {"sbs_volume", "SBS_VOLUME"}}
	if found := Find(environ, known); !slices.Equal(found, want) {
		t.Errorf("got %+v, want %+v", found, want)
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"abc", "acb", 2}, {"abc", "abc", 0}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%q and %q: got %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
