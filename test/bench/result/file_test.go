package result

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var machine = Machine{CPU: "a", Cores: 2}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.json")
	if none, err := Load(path); err != nil || len(none.Parts) > 0 {
		t.Fatalf("a file that does not exist: %+v, %v", none, err)
	}
	saved := Results{machine, []Part{{Name: "one", Date: "2026-01-02", Rows: []Row{{What: "w", Unit: "s", Theirs: []float64{1}, Ours: []float64{2}, Goal: Ratio(0.5)}},
		Curves: []Curve{{What: "c", Unit: "ms", Points: []Point{{Builds: 100, Samples: []float64{1, 2}}}}}}}}
	if err := saved.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(path)
	if err != nil || !reflect.DeepEqual(loaded, saved) {
		t.Errorf("got %+v, %v, want %+v", loaded, err, saved)
	}
}

func TestMerge(t *testing.T) {
	names := []string{"first", "second"}
	old := Results{machine, []Part{{Name: "first", Commit: "old"}, {Name: "second", Commit: "old"}, {Name: "gone", Commit: "old"}}}
	commits := func(r Results) (found []string) {
		for _, part := range r.Parts {
			found = append(found, part.Name+" "+part.Commit)
		}
		return found
	}
	other := Machine{CPU: "b", Cores: 2}
	for _, c := range []struct {
		name  string
		fresh Results
		want  []string
		err   error
	}{
		{"one part measured again", Results{machine, []Part{{Name: "second", Commit: "new"}}}, []string{"first old", "second new"}, nil},
		{"one part on another machine", Results{other, []Part{{Name: "second", Commit: "new"}}}, nil, ErrOtherMachine},
		{"all parts on another machine", Results{other, []Part{{Name: "second", Commit: "new"}, {Name: "first", Commit: "new"}}}, []string{"first new", "second new"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			merged, err := old.Merge(c.fresh, names)
			if !errors.Is(err, c.err) || !reflect.DeepEqual(commits(merged), c.want) {
				t.Errorf("got %q, %v, want %q, %v", commits(merged), err, c.want, c.err)
			}
			if err == nil && merged.Machine != c.fresh.Machine {
				t.Errorf("the machine is %+v", merged.Machine)
			}
		})
	}
}

func TestTables(t *testing.T) {
	results := Results{machine, []Part{{Name: "part", Date: "2026-01-02", Commit: "abc", Rows: []Row{
		{What: "a job", Unit: "s", ComparedWith: "by hand", Theirs: []float64{2, 4, 8}, Ours: []float64{1, 2, 6}, Goal: Ratio(0.5)},
		{What: "memory", Unit: "MB", Ours: []float64{40.04}, Goal: Value(40)},
	}, Curves: []Curve{{What: "a list", Unit: "ms", Points: []Point{{Builds: 100, Samples: []float64{0.1234}}}}}}}}
	var text, plain strings.Builder
	if err := errors.Join(results.Markdown(&text), results.Plain(&plain)); err != nil {
		t.Fatal(err)
	}
	want := `### part

Measured on 2026-01-02, commit abc.

| measurement | compared with | theirs | ours | ratio | goal |  |
| --- | --- | --- | --- | --- | --- | --- |
| a job | by hand | 4.00 s (2.00–8.00) | 2.00 s (1.00–6.00) | 0.5 (0.5–0.75) | ≤ 0.5 | met |
| memory |  |  | 40.0 MB |  | ≤ 40.0 MB | not met |
| a list, 100 builds on record |  |  | 0.123 ms |  |  |  |

`
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
	if lines := strings.Split(plain.String(), "\n"); len(lines) != 6 || !strings.HasPrefix(lines[1], "PART") ||
		strings.Index(lines[0], "goal") != len("measurement                   compared with  theirs              ours                ratio           ") {
		t.Errorf("got\n%s", plain.String())
	}
}
