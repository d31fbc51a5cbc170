package pipeline

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/signing"
)

// tagSigner is a signer of tags.
type tagSigner struct{ *fixture }

func (s tagSigner) Prepare(ctx context.Context, _ signing.Request, _ io.Writer) (signing.PublicKey, error) {
	return signing.PublicKey{Method: api.SigningDCT, ID: "root", Key: "key"}, s.reach(ctx, "prepare")
}

func (s tagSigner) Sign(ctx context.Context, _ signing.Request, _ io.Writer) (signing.PublicKey, error) {
	return signing.PublicKey{Method: api.SigningDCT, ID: "root", Key: "key"}, s.reach(ctx, "sign the tags")
}

// Tags move when everything else is done, right after the signature of the tags. Only
// the last two renames on the volume come after them.
func TestTagsMoveLast(t *testing.T) {
	f := newFixture(t)
	f.pipeline.Signers[api.SigningDCT] = tagSigner{f}
	parameters := loopParameters()
	parameters.ImageSigning = api.Methods{api.SigningSigstore, api.SigningDCT}
	f.during = func(_ context.Context, operation string) error {
		state := f.slot.State().Record
		if operation == "tag" || operation == "sign the tags" {
			if !state.TagsMoving {
				t.Errorf("at %s: the record does not say that tags move", operation)
			}
			if !slices.ContainsFunc(f.files(state.ID), func(name string) bool { return strings.Contains(name, "sig.tbz") }) {
				t.Errorf("at %s: there is no signed manifest yet: %q", operation, f.files(state.ID))
			}
		}
		return nil
	}
	if err := f.pipeline.Begin(parameters); err != nil {
		t.Fatal(err)
	}
	last := f.wait()
	if last.Status != api.StatusSuccess || last.TagsMoving || len(last.Signatures) != 2 {
		t.Errorf("ended as %+v", last)
	}
	if saved, ok := savedRecord(f.volume.Builds(), last.ID); !ok || saved.TagsMoving {
		t.Errorf("the saved record is %+v", saved)
	}
	order := []string{"prepare", "attach provenance", "sign the tags", "tag"}
	at := -1
	for _, operation := range order {
		next := slices.Index(f.calls, operation)
		if next <= at {
			t.Fatalf("%q is not in the order %q", f.calls, order)
		}
		at = next
	}
}

// A failure after the tags were moved restores them.
func TestTagsAreRestored(t *testing.T) {
	f := newFixture(t)
	f.during = func(_ context.Context, operation string) error {
		if operation == "tag" {
			// The record can't be renamed over a folder with something in it.
			return os.MkdirAll(filepath.Join(f.dir, "builds", f.slot.State().Record.ID, "record.json", "x"), 0o700)
		}
		return nil
	}
	last := f.run()
	if !api.Failed(last.Status) || last.TagsMoving || !slices.Contains(f.calls, "put back the tags") {
		t.Errorf("ended as %+v after %q", last, f.calls)
	}
}

// The cause of a build that ends while its tags move, and can't restore them, names the
// tags.
func TestTagsMayHaveMoved(t *testing.T) {
	f := newFixture(t)
	f.during = func(_ context.Context, operation string) error {
		if strings.Contains(operation, "tag") {
			return errors.New("the registry is gone")
		}
		return nil
	}
	if last := f.run(); last.Cause != "the registry is gone; "+tagsMayLead {
		t.Errorf("the cause is %q", last.Cause)
	}
	v, _, _ := cut(t, testID)
	last := Recover(v.Builds())(record.Record{ID: testID, Status: api.StatusImagePushed, TagsMoving: true, Repository: "r.example.com/ns/app", ImageTag: "0123456"})
	if last.Status != api.FailureStatus("docker push r.example.com/ns/app:0123456") || last.Cause != interrupted+"; "+tagsMayLead {
		t.Errorf("after a crash: %+v", last)
	}
}
