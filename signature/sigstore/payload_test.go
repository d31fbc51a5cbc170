package sigstore

import (
	"strings"
	"testing"
)

const hash = "sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"

func TestLegacyClaim(t *testing.T) {
	claim := LegacyClaim{Reference: "registry.example.com/ns/app:v1", Digest: hash}
	text, err := claim.Encode("sbs-server")
	want := `{"critical":{"identity":{"docker-reference":"registry.example.com/ns/app:v1"},"image":{"docker-manifest-digest":"` + hash +
		`"},"type":"cosign container image signature"},"optional":{"creator":"sbs-server"}}`
	if err != nil || string(text) != want {
		t.Errorf("%v\n%s, want\n%s", err, text, want)
	}
	for _, optional := range []string{"null", "{}", `{"creator":"sbs-server"}`} {
		read, err := decodeLegacy([]byte(strings.Replace(want, `{"creator":"sbs-server"}`, optional, 1)))
		if err != nil || read != claim {
			t.Errorf("%+v, %v", read, err)
		}
	}
	for _, text := range []string{"", "{}", strings.Replace(want, "cosign container image", "atomic container", 1)} {
		if read, err := decodeLegacy([]byte(text)); err == nil {
			t.Errorf("%q was accepted as %+v", text, read)
		}
	}
}

func FuzzLegacyClaim(f *testing.F) {
	f.Add([]byte(`{"critical":{"identity":{"docker-reference":"a"},"image":{"docker-manifest-digest":"b"},"type":"cosign container image signature"},"optional":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		claim, err := decodeLegacy(text)
		if err != nil {
			return
		}
		again, err := claim.Encode("fuzz")
		if err != nil {
			t.Fatal(err)
		}
		if read, err := decodeLegacy(again); err != nil || read != claim {
			t.Errorf("%+v came back as %+v, %v", claim, read, err)
		}
	})
}
