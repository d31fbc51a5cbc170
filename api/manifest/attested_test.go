package manifest

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/opensbs/sbs/test/kit/golden"
)

// attested is a manifest with attestations.
func attested() Contents {
	c := contents(`{"status":"success"}`, sample)
	c.Attested = fstest.MapFS{
		Provenance:   {Data: []byte(`{"provenance":true}`)},
		SBOM:         {Data: []byte(`{"sbom":true}`)},
		SBOMDocument: {Data: []byte(`{"spdxVersion":"SPDX-2.3"}`)},
	}
	return c
}

// TestGoldenAttested pins the form with attestations; the other golden file
// replaces those without.
func TestGoldenAttested(t *testing.T) {
	want := golden.Check(t, "golden-attested.sig.tbz", signed(t, attested(), goldenKey(t)))
	_, summary, err := Verify(bytes.NewReader(want), &goldenKey(t).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if len(summary.Data) != 5 || summary.Data[SBOMDocument] != sha256.Sum256([]byte(`{"spdxVersion":"SPDX-2.3"}`)) {
		t.Errorf("data %v", summary.Data)
	}
}

func TestAttestedInPart(t *testing.T) {
	c := attested()
	delete(c.Attested.(fstest.MapFS), SBOM)
	if _, err := Write(context.Background(), io.Discard, c); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("written without its bill of materials: %v", err)
	}
	for name, members := range map[string][]string{
		"only one of them":    {"data/build.json", "data/build.log", "data/" + SBOM},
		"two logs":            {"data/build.json", "data/build.log", "data/build.log"},
		"no log":              {"data/build.json", "data/" + Provenance},
		"something else":      {"data/build.json", "data/build.log", "data/more.json"},
		"another folder":      {"data/build.json", "data/build.log", "more/" + SBOM},
		"a folder for a file": {"data/build.json", "data/build.log", "data/" + SBOM + "/x"},
	} {
		t.Run(name, func(t *testing.T) {
			var tbz bytes.Buffer
			err := archive(context.Background(), &tbz, tbzStream, func(w *tar.Writer) error {
				a := newArchiver(context.Background(), w, modified)
				for _, member := range members {
					if err := a.file(member, 0o644, 2, strings.NewReader("{}")); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Read(&tbz); !errors.Is(err, ErrFormat) {
				t.Errorf("error %v", err)
			}
		})
	}
}
