package main

import (
	"strings"
	"testing"
)

func TestOnlyWhatIsDeclaredTravels(t *testing.T) {
	id := strings.Repeat("0a", 32)
	for name, merges := range map[string]bool{
		"manifest/key": false, "simple/key": false, "sigstore/key": false, "dct/" + id: false,
		"dct/gun/" + id: true, "dct/base/" + id: true,
	} {
		declared, ok := sealedNames().Travels(name)
		if !ok || (declared.Merge != nil) != merges {
			t.Errorf("%s: travels %v, can be merged %v; want %v", name, ok, declared.Merge != nil, merges)
		}
	}
	for _, name := range []string{"parameters", "imported-parameters", "state/generation"} {
		if declared, ok := sealedNames().Find(name); !ok || declared.Travels {
			t.Errorf("%s is declared: %v, travels: %v", name, ok, declared.Travels)
		}
	}
	for _, name := range []string{"dct/new/" + id, "parameters", "imported-parameters", "state/generation", "manifest/key2", "manifest", "new/secret", "dct", ""} {
		if _, ok := sealedNames().Travels(name); ok {
			t.Errorf("%q travels", name)
		}
	}
}
