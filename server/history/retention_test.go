package history

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

const (
	everything = 1 << 40 // a limit that is never reached
	manifest   = 100_000 // bytes of each manifest
)

// TestTrim has a history of eight builds, each letter one, oldest first: s is a
// success, f a failure, x a record that can't be read, and a capital letter a
// build that has lost its manifest and log.
func TestTrim(t *testing.T) {
	for name, test := range map[string]struct {
		before  string
		limits  Limits
		current int // number of that build
		want    string
	}{
		"within":                         {"ssssssss", Limits{Count: 8, Space: everything}, 7, "ssssssss"},
		"count":                          {"ssssssss", Limits{Count: 3, Space: everything}, 7, "_____sss"},
		"count, latest success is old":   {"sfsfffff", Limits{Count: 3, Space: everything}, 7, "__s___ff"},
		"count of one":                   {"ssffffff", Limits{Count: 1, Space: everything}, 7, "_s_____f"},
		"count, one to be fixed":         {"sxssssss", Limits{Count: 3, Space: everything}, 7, "_x____ss"},
		"space":                          {"ssssssss", Limits{Count: 8, Space: 350_000}, 7, "SSSSSsss"},
		"space, again":                   {"SSSSSsss", Limits{Count: 8, Space: 350_000}, 7, "SSSSSsss"},
		"space, latest success is old":   {"sssfffff", Limits{Count: 8, Space: 350_000}, 7, "SSsFFFff"},
		"space, almost nothing":          {"ssssssss", Limits{Count: 8, Space: 140_000}, 7, "SSSSSSSs"},
		"space, less than the latest":    {"ssssssss", Limits{Count: 8, Space: 10}, 7, "_______s"},
		"both":                           {"ssssssss", Limits{Count: 4, Space: 250_000}, 7, "____SSss"},
		"free, more than there can be":   {"ssssssss", Limits{Count: 8, Space: everything, DesiredFree: 1 << 60}, 7, "SSSSSSSs"},
		"free, the one to be fixed":      {"sxssssss", Limits{Count: 8, Space: everything, DesiredFree: 1 << 60}, 7, "SxSSSSSs"},
		"free, the current is no build":  {"sssssssf", Limits{Count: 8, Space: everything, DesiredFree: 1 << 60}, -1, "SSSSSSsF"},
		"free, not reachable":            {"ssssssss", Limits{Count: 8, Space: everything, DesiredFree: 1 << 60, RequiredFree: 1 << 60}, 7, "ssssssss"},
		"free, not reachable, but space": {"ssssssss", Limits{Count: 8, Space: 350_000, DesiredFree: 1 << 60, RequiredFree: 1 << 60}, 7, "SSSSSsss"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			v := plainvolume.Open(t, dir)
			for number, kind := range test.before {
				switch kind {
				case 's':
					keep(t, v, number, api.StatusSuccess, manifest)
				case 'S':
					keep(t, v, number, api.StatusSuccess, 0)
				case 'f':
					keep(t, v, number, failed, manifest)
				case 'x':
					keep(t, v, number, api.StatusSuccess, manifest)
					if err := os.WriteFile(filepath.Join(dir, "builds", id(number), "record.json"), nil, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			b := New(v.Builds(), v.Space)
			done, err := b.Trim(test.limits, id(test.current))
			if err != nil {
				t.Fatal(err)
			}
			page, _, err := b.List("", 100)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for number := range test.before {
				got += letter(page, id(number))
			}
			if got != test.want {
				t.Errorf("left %s, want %s", got, test.want)
			}
			for number, was := range test.before {
				removed, stripped := slices.Contains(done.Removed, id(number)), slices.Contains(done.OutputsRemoved, id(number))
				if removed != (test.want[number] == '_') || !removed && stripped != (test.want[number] < 'a' && was >= 'a') {
					t.Errorf("build %d: said to be removed: %v, stripped: %v", number, removed, stripped)
				}
			}
		})
	}
}

// letter is a build as TestTrim writes it.
func letter(page []api.Build, id string) string {
	at := slices.IndexFunc(page, func(build api.Build) bool { return build.ID == id })
	if at < 0 {
		return "_"
	}
	kind := "s"
	switch build := page[at]; {
	case build.Problem != "":
		return "x"
	case build.Status == failed:
		kind = "f"
	}
	if !page[at].Manifest {
		return string(kind[0] - 'a' + 'A')
	}
	return kind
}

// TestTrimForFreeSpaceStops checks that no more is removed than must be.
func TestTrimForFreeSpaceStops(t *testing.T) {
	v := plainvolume.Open(t, t.TempDir())
	for number := range 3 {
		keep(t, v, number, api.StatusSuccess, manifest)
	}
	done, err := New(v.Builds(), v.Space).Trim(Limits{Count: 8, Space: everything, DesiredFree: 1}, "")
	if err != nil || len(done.Removed)+len(done.OutputsRemoved) != 0 {
		t.Errorf("removed %+v, %v", done, err)
	}
}
