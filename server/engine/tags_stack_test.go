//go:build stack

package engine

import (
	"strings"
	"testing"
)

func TestRemoveTouchesOnlyWhatIsNamed(t *testing.T) {
	e := connect(t, BuildKit)
	one, other := repository(t, e, "127.0.0.1:1"), repository(t, e, "127.0.0.1:1")
	base(t, e, one+":x")
	if err := e.Tag(t.Context(), one+":x", one+":y", other+":x"); err != nil {
		t.Fatal(err)
	}
	exists := func(tag string) bool {
		_, err := e.api.ImageInspect(t.Context(), tag)
		return err == nil
	}
	found, err := e.api.ImageInspect(t.Context(), one+":x")
	if err != nil {
		t.Fatal(err)
	}
	short := strings.TrimPrefix(found.ID, "sha256:")[:12]
	for _, wrong := range []string{short, found.ID, one, one + "@" + found.ID} {
		if err := e.Remove(t.Context(), wrong); err == nil {
			t.Errorf("Remove took %q", wrong)
		}
	}
	if err := e.Remove(t.Context(), one+":absent", one+":y"); err != nil {
		t.Error(err)
	}
	if !exists(one+":x") || exists(one+":y") {
		t.Error("Remove of :y: wrong tags are left")
	}
	if err := e.RemoveTagged(t.Context(), one); err != nil {
		t.Error(err)
	}
	if exists(one+":x") || !exists(other+":x") {
		t.Error("RemoveTagged: wrong tags are left")
	}
	if err := e.RemoveTagged(t.Context(), other); err != nil {
		t.Error(err)
	}
	if exists(found.ID) {
		t.Error("the image is still there without a tag")
	}
}
