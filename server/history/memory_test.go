package history

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

// TestTrimChecksRemovedBuilds changes builds on disk after the history has cached them in
// a first Trim: a second one must notice the changes.
func TestTrimChecksRemovedBuilds(t *testing.T) {
	for name, test := range map[string]struct {
		change func(t *testing.T, dir string) // of the folder of builds
		limits Limits
		want   []int // what is left; the rest is removed
		strips []int
	}{
		"the oldest is damaged": {
			change: func(t *testing.T, dir string) { damage(t, dir, 0) },
			limits: Limits{Count: 3, Space: everything}, want: []int{0, 3, 4},
		},
		"the oldest is damaged, and space is short": {
			change: func(t *testing.T, dir string) { damage(t, dir, 0) },
			limits: Limits{Count: 5, Space: 450_000}, want: []int{0, 1, 2, 3, 4}, strips: []int{1},
		},
		"the oldest is damaged, and nothing else would do": {
			change: func(t *testing.T, dir string) { damage(t, dir, 0) },
			limits: Limits{Count: 5, Space: 1}, want: []int{0, 4}, strips: []int{1, 2, 3},
		},
		"a damaged one can't help with free space": {
			change: func(t *testing.T, dir string) {
				for number := range 3 {
					damage(t, dir, number)
				}
			},
			limits: Limits{Count: 5, Space: everything, DesiredFree: 1 << 60, RequiredFree: 1 << 60}, want: []int{0, 1, 2, 3, 4},
		},
		"the oldest has become the latest success": {
			change: func(t *testing.T, dir string) {
				for number := 1; number < 5; number++ {
					damage(t, dir, number)
				}
			},
			limits: Limits{Count: 1, Space: 1}, want: []int{0, 1, 2, 3, 4},
		},
		"the oldest is gone": {
			change: func(t *testing.T, dir string) { remove(t, filepath.Join(dir, id(0))) },
			limits: Limits{Count: 4, Space: 450_000}, want: []int{1, 2, 3, 4},
		},
		"the oldest has lost its manifest": {
			change: func(t *testing.T, dir string) { remove(t, filepath.Join(dir, id(0), "manifest.x.sig.tbz")) },
			limits: Limits{Count: 5, Space: 350_000}, want: []int{0, 1, 2, 3, 4}, strips: []int{0, 1},
		},
		// A file where a folder should be is an error to every reader.
		"what remains is not read": {
			change: func(t *testing.T, dir string) {
				remove(t, filepath.Join(dir, id(2)))
				if err := os.WriteFile(filepath.Join(dir, id(2)), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			},
			limits: Limits{Count: 4, Space: everything}, want: []int{1, 2, 3, 4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			v := plainvolume.Open(t, dir)
			for number := range 5 {
				keep(t, v, number, api.StatusSuccess, manifest)
			}
			b := New(v.Builds(), v.Space)
			if done, err := b.Trim(Limits{Count: 5, Space: everything}, ""); err != nil || len(done.Removed)+len(done.OutputsRemoved) != 0 {
				t.Fatal(done, err)
			}
			test.change(t, filepath.Join(dir, "builds"))
			done, err := b.Trim(test.limits, "")
			if err != nil {
				t.Fatal(err)
			}
			left, err := v.Builds().IDs()
			if err != nil {
				t.Fatal(err)
			}
			slices.Reverse(left)
			if !slices.Equal(left, named(test.want)) || !slices.Equal(done.OutputsRemoved, named(test.strips)) {
				t.Errorf("left %q, stripped %q", left, done.OutputsRemoved)
			}
		})
	}
}

func named(numbers []int) (ids []string) {
	for _, number := range numbers {
		ids = append(ids, id(number))
	}
	return ids
}

func damage(t *testing.T, dir string, number int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, id(number), "record.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(name); err != nil {
		t.Fatal(err)
	}
}

// TestTrimSeesNewBuilds checks that builds that came or grew after a first Trim
// count, as large as they are when their record is there. One build is newer than
// that which runs: it came from a server whose clock was ahead.
func TestTrimSeesNewBuilds(t *testing.T) {
	v := plainvolume.Open(t, t.TempDir())
	keep(t, v, 0, api.StatusSuccess, manifest)
	keep(t, v, 8, api.StatusSuccess, manifest)
	b := New(v.Builds(), v.Space)
	running, err := v.Builds().Create(id(2))
	if err != nil {
		t.Fatal(err)
	}
	trim := func(current string, wantStripped ...string) {
		t.Helper()
		done, err := b.Trim(Limits{Count: 9, Space: 3*manifest + manifest/2}, current)
		if err != nil || len(done.Removed) != 0 || !slices.Equal(done.OutputsRemoved, wantStripped) {
			t.Errorf("trimmed %+v, %v; want %q stripped", done, err, wantStripped)
		}
	}
	trim(id(2))
	p, err := running.CreateManifest("manifest.x.sig.tbz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(make([]byte, 2*manifest)); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	trim(id(2), id(0))
	if err := running.SaveRecord(recordText(2, failed)); err != nil {
		t.Fatal(err)
	}
	trim(id(2))
	keep(t, v, 9, api.StatusSuccess, manifest)
	trim(id(9), id(2))
	keep(t, v, 10, api.StatusSuccess, manifest)
	trim(id(10))
	keep(t, v, 11, api.StatusSuccess, manifest)
	trim(id(11), id(8))
}

func TestUnfinished(t *testing.T) {
	dir := t.TempDir()
	v := plainvolume.Open(t, dir)
	keep(t, v, 0, api.StatusSuccess, 0)
	keep(t, v, 1, api.StatusSuccess, 0)
	damage(t, filepath.Join(dir, "builds"), 1)
	for _, number := range []int{2, 3} {
		if _, err := v.Builds().Create(id(number)); err != nil {
			t.Fatal(err)
		}
	}
	unfinished := func(want ...string) {
		t.Helper()
		if got, err := New(v.Builds(), v.Space).Unfinished(); err != nil || !slices.Equal(got, want) {
			t.Errorf("unfinished are %q, %v; want %q", got, err, want)
		}
	}
	unfinished(id(3), id(2))
	remove(t, filepath.Join(dir, "builds", id(3)))
	unfinished(id(2))
}
