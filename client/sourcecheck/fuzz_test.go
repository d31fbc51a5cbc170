package sourcecheck

import (
	"archive/tar"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/gitfolder"
)

// FuzzAdd: whatever a file of a Git folder holds, it is taken or refused, and a
// folder with only that file is never a clone.
func FuzzAdd(f *testing.F) {
	sample := gitfolder.NewSample(f)
	for name, one := range sample.Members {
		if one.Kind == tar.TypeReg {
			f.Add(name, one.Content)
		}
	}
	f.Fuzz(func(t *testing.T, name, content string) {
		folder, err := NewFolder(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := folder.Close(); err != nil {
				t.Error(err)
			}
		}()
		header := &tar.Header{Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}
		if err := folder.Add(t.Context(), name, header, strings.NewReader(content)); err != nil {
			return
		}
		if result, err := folder.Check(t.Context()); err == nil {
			t.Errorf("%q with %q is the clone %+v", name, content, result)
		}
	})
}
