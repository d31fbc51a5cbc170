package gitstore

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

func TestReadTree(t *testing.T) {
	id := strings.Repeat("i", 20)
	for name, test := range map[string]struct {
		tree string
		want []filemode.FileMode // nil: refused
	}{
		"every mode": {"100644 a\x00" + id + "100755 b\x00" + id + "120000 c\x00" + id + "40000 d\x00" + id + "160000 e\x00" + id,
			[]filemode.FileMode{filemode.Regular, filemode.Executable, filemode.Symlink, filemode.Dir, filemode.Submodule}},
		"odd modes": {"100664 a\x00" + id + "100700 b\x00" + id + "10000 c\x00" + id,
			[]filemode.FileMode{filemode.Regular, filemode.Executable, filemode.Submodule}},
		"executable for others": {"100645 a\x00" + id + "100654 b\x00" + id + "100655 c\x00" + id + "100744 d\x00" + id,
			[]filemode.FileMode{filemode.Regular, filemode.Regular, filemode.Regular, filemode.Executable}},
		"folder after its name with a hyphen":  {"100644 a-b\x00" + id + "40000 a\x00" + id, []filemode.FileMode{filemode.Regular, filemode.Dir}},
		"out of order":                         {"100644 b\x00" + id + "100644 a\x00" + id, nil},
		"folder before its name with a hyphen": {"40000 a\x00" + id + "100644 a-b\x00" + id, nil},
		"twice":                                {"100644 a\x00" + id + "100755 a\x00" + id, nil},
		"file and folder":                      {"100644 a\x00" + id + "40000 a\x00" + id, nil},
		"file and folder, apart":               {"100644 a\x00" + id + "100644 a-b\x00" + id + "40000 a\x00" + id, nil},
		"empty name":                           {"100644 \x00" + id, nil},
		"short id":                             {"100644 a\x00" + id[1:], nil},
		"no name":                              {"100644", nil},
		"mode of letters":                      {"file a\x00" + id, nil},
	} {
		t.Run(name, func(t *testing.T) {
			store, _ := testStore(t)
			row, err := store.add(plumbing.TreeObject, int64(len(test.tree)), func(w io.Writer) error {
				_, err := io.WriteString(w, test.tree)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			entries, err := readTree(store, row, nil)
			if test.want == nil {
				if err == nil {
					t.Fatalf("read as %v", entries)
				}
				return
			}
			if err != nil || len(entries) != len(test.want) {
				t.Fatalf("got %v, %v", entries, err)
			}
			for i, entry := range entries {
				if entry.Mode != test.want[i] || string(entry.Hash[:]) != id {
					t.Errorf("entry %d is %v", i, entry)
				}
			}
		})
	}
}

func TestReadTreeBound(t *testing.T) {
	store, _ := testStore(t)
	row, err := store.add(plumbing.TreeObject, maxParsed+1, func(w io.Writer) error {
		_, err := io.CopyN(w, zeros{}, maxParsed+1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var limit *LimitError
	if _, err := readTree(store, row, nil); !errors.As(err, &limit) {
		t.Errorf("got %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
