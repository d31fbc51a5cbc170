package push

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/harness/registry"
)

// tag moves the tags, and undoes it when it fails, as the pipeline does.
func (f *fixture) tag(t *testing.T, image Pushed, tags ...string) error {
	t.Helper()
	undo, err := new(Pusher).Tag(t.Context(), f.target, image, tags, io.Discard)
	if err != nil {
		if failed := undo(context.WithoutCancel(t.Context())); failed != nil {
			t.Errorf("put back: %v", failed)
		}
	}
	return err
}

func TestTag(t *testing.T) {
	f := start(t, nil, registry.Quirks["immutable"])
	p := new(Pusher)
	first, second := f.push(t, p, saved(t)), f.push(t, p, saved(t))
	if err := f.tag(t, first, "v1", "latest"); err != nil {
		t.Fatal(err)
	}
	// Tags that can't be moved and lead to the image already are good.
	if err := f.tag(t, first, "v1", "latest"); err != nil {
		t.Error(err)
	}
	// One that leads elsewhere is named, and no other tag is new.
	err := f.tag(t, second, "v2", "latest")
	var immutable *ImmutableError
	if !errors.As(err, &immutable) || immutable.Tag != "latest" || immutable.LeadsTo != first.Digest || !strings.Contains(err.Error(), "IMAGE_TAG_PREFIX") {
		t.Errorf("a tag that can't be moved: %v", err)
	}
	if f.leads(t, "v1") != first.Digest || f.leads(t, "latest") != first.Digest || f.leads(t, "v2") != "" {
		t.Errorf("v1 leads to %q, latest to %q, v2 to %q", f.leads(t, "v1"), f.leads(t, "latest"), f.leads(t, "v2"))
	}
}

// After a failure the tags that were moved are restored, except those that another client
// has moved since.
func TestTagsAreRestored(t *testing.T) {
	refuse := false
	f := start(t, func(w http.ResponseWriter, r *http.Request) bool {
		if refuse && r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/latest") {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	})
	p := new(Pusher)
	first, second, third := f.push(t, p, saved(t)), f.push(t, p, saved(t)), f.push(t, p, saved(t))
	if err := f.tag(t, first, "v1", "latest"); err != nil {
		t.Fatal(err)
	}
	refuse = true
	if err := f.tag(t, second, "v1", "new", "latest"); err == nil {
		t.Error("tagged")
	}
	refuse = false
	if f.leads(t, "v1") != first.Digest || f.leads(t, "new") != "" || f.leads(t, "latest") != first.Digest {
		t.Errorf("v1 leads to %q, new to %q, latest to %q", f.leads(t, "v1"), f.leads(t, "new"), f.leads(t, "latest"))
	}
	undo, err := p.Tag(t.Context(), f.target, second, []string{"v1", "latest"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.tag(t, third, "latest"); err != nil {
		t.Fatal(err)
	}
	if err := undo(t.Context()); err != nil {
		t.Error(err)
	}
	if f.leads(t, "v1") != first.Digest || f.leads(t, "latest") != third.Digest {
		t.Errorf("v1 leads to %q, latest to %q", f.leads(t, "v1"), f.leads(t, "latest"))
	}
}
