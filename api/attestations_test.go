package api

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestAttestations(t *testing.T) {
	for name, test := range map[string]struct {
		given any
		want  []string
		wrong bool
	}{
		"left out":      {nil, []string{"provenance", "sbom"}, false},
		"an empty text": {"", []string{"provenance", "sbom"}, false},
		"an empty list": {[]string{}, nil, false},
		"a list":        {[]string{"sbom"}, []string{"sbom"}, false},
		"a text":        {"sbom, provenance", []string{"sbom", "provenance"}, false},
		"twice":         {"sbom,sbom", nil, true},
		"unknown":       {"vex", nil, true},
		"an empty item": {"sbom,", nil, true},
		"a number":      {1, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			values := with("ATTESTATIONS", test.given)
			p, err := parse(t, values)
			if test.wrong {
				if wrong := parameterError(err); wrong == nil || wrong.Key != "ATTESTATIONS" {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || !slices.Equal(p.Published(), test.want) {
				t.Fatalf("publishes %q, %v", p.Published(), err)
			}
			wire, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseParameters(wire)
			if err != nil || !slices.Equal(again.Published(), test.want) {
				t.Errorf("restored as %q, %v", again.Published(), err)
			}
		})
	}
}
