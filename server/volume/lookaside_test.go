package volume

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func TestLookaside(t *testing.T) {
	v, err := Open(t.TempDir(), reversing{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	image := "ns/deep/app_1.x@sha256=" + strings.Repeat("0a", 32)
	if kept, err := v.Lookaside().Signatures(image); err != nil || len(kept) != 0 {
		t.Fatalf("an unknown image has %d signatures, %v", len(kept), err)
	}
	for _, text := range []string{"first", "second"} {
		if err := v.Lookaside().AddSignature(image, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := v.Lookaside().Signatures(image)
	if err != nil || len(kept) != 2 || string(kept[0]) != "first" || string(kept[1]) != "second" {
		t.Errorf("kept %q, %v", kept, err)
	}
	if second, err := v.Lookaside().Signature(image + "/signature-2"); err != nil || string(second) != "second" {
		t.Errorf("signature-2 is %q, %v", second, err)
	}
	if err := v.Lookaside().AddSignature(image, make([]byte, maxSignature+1)); err == nil {
		t.Error("a huge signature was kept")
	}
}

func TestLookasideNames(t *testing.T) {
	v, err := Open(t.TempDir(), reversing{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	digest := "@sha256=" + strings.Repeat("0a", 32)
	if err := v.Lookaside().AddSignature("app"+digest, []byte("x")); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"not there":       "app" + digest + "/signature-2",
		"number zero":     "app" + digest + "/signature-0",
		"padded number":   "app" + digest + "/signature-01",
		"no number":       "app" + digest + "/signature-",
		"other file":      "app" + digest + "/x",
		"climbs":          "../lookaside/app" + digest + "/signature-1",
		"climbs out":      "../../lock",
		"empty":           "",
		"no digest":       "app/signature-1",
		"not one folder":  "app" + digest + "/../app" + digest + "/signature-1",
		"doubled slashes": "app" + digest + "//signature-1",
	} {
		t.Run(name, func(t *testing.T) {
			if content, err := v.Lookaside().Signature(file); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q, %v", content, err)
			}
		})
	}
	if err := v.Lookaside().AddSignature("../app"+digest, []byte("x")); err == nil {
		t.Error("a name that climbs was accepted")
	}
}
