package api

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
)

func TestSigning(t *testing.T) {
	for name, test := range map[string]struct {
		given  any
		notary string
		want   []string
		key    string // of the error, or ""
	}{
		"left out":              {nil, "", []string{"simple", "sigstore"}, ""},
		"left out, with notary": {nil, "notary.example.com", []string{"dct"}, ""},
		"an empty text":         {"", "", []string{"simple", "sigstore"}, ""},
		"a list":                {[]string{"sigstore", "simple"}, "", []string{"sigstore", "simple"}, ""},
		"a text":                {"simple, sigstore-legacy", "", []string{"simple", "sigstore-legacy"}, ""},
		"dct with others":       {"simple,dct", "notary.example.com", []string{"simple", "dct"}, ""},
		"notary is not used":    {"simple", "notary.example.com", []string{"simple"}, ""},
		"an empty list":         {[]string{}, "", nil, "IMAGE_SIGNING"},
		"dct without notary":    {"dct", "", nil, "IMAGE_SIGNING"},
		"twice":                 {"simple,simple", "", nil, "IMAGE_SIGNING"},
		"unknown":               {"gpg", "", nil, "IMAGE_SIGNING"},
		"an empty item":         {"simple,", "", nil, "IMAGE_SIGNING"},
		"a number":              {1, "", nil, "IMAGE_SIGNING"},
	} {
		t.Run(name, func(t *testing.T) {
			values := with("DOCKER_CONTENT_TRUST_PUSH_SERVER", test.notary)
			values["IMAGE_SIGNING"] = test.given
			p, err := parse(t, values)
			if test.key != "" {
				if wrong := parameterError(err); wrong == nil || wrong.Key != test.key {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || !slices.Equal(p.Signing(), test.want) {
				t.Fatalf("signs with %q, %v", p.Signing(), err)
			}
			wire, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseParameters(wire)
			if err != nil || !slices.Equal(again.ImageSigning, p.ImageSigning) {
				t.Errorf("restored as %q, %v", again.ImageSigning, err)
			}
		})
	}
}

func parameterError(err error) *ParameterError {
	var wrong *ParameterError
	errors.As(err, &wrong)
	return wrong
}

// IBM's guide has users of its registry name the registry as the notary server,
// and means simple signing.
func TestRegistryIsNoNotary(t *testing.T) {
	for _, test := range []struct {
		notary, registry string
		same             bool
	}{
		{"https://us.icr.io", "us.icr.io", true},
		{"us.icr.io", "us.icr.io", true},
		{"https://US.icr.io:443/", "us.icr.io", true},
		{"us.icr.io", "us.icr.io:443", true},
		{"https://registry.example.com:5000", "registry.example.com:5000", true},
		{"https://registry.example.com:4443", "registry.example.com", false},
		{"https://registry.example.com", "registry.example.com:5000", false},
		{"https://notary.example.com", "us.icr.io", false},
	} {
		p := Parameters{PushServer: test.registry, DockerRepo: "ns/app", TrustPushServer: test.notary}
		want, warnings := []string{SigningDCT}, 0
		if test.same {
			want, warnings = []string{SigningSimple, SigningSigstore}, 1
		}
		if got := p.Signing(); !slices.Equal(got, want) || len(p.Warnings()) != warnings {
			t.Errorf("%s and %s: signed with %q, warned %q", test.notary, test.registry, got, p.Warnings())
		}
		p.ImageSigning = Methods{SigningDCT}
		if got := p.Signing(); !slices.Equal(got, []string{SigningDCT}) || len(p.Warnings()) != 0 {
			t.Errorf("%s and %s, dct wanted: signed with %q, warned %q", test.notary, test.registry, got, p.Warnings())
		}
	}
}
