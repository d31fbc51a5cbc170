//go:build linux

package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	proxyLine  = regexp.MustCompile(`(?m)^proxy (.+)$`)
	headerLine = regexp.MustCompile(`(?m)^# proxy ([^:]+): \S`)
	serveLine  = regexp.MustCompile(`(?m)^serve (.+)$`)
)

// TestHeaders pins that every script whose server misbehaves names each misbehaviour
// and why no real server does that, and that scripts use all misbehaviours and states.
func TestHeaders(t *testing.T) {
	paths, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	misused, states := map[string]bool{}, map[string]bool{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		header, _, _ := strings.Cut(string(text), "\n\n")
		used, declared := arguments(proxyLine, string(text)), arguments(headerLine, header)
		if !maps.Equal(used, declared) {
			t.Errorf("%s uses the misbehaviours %v; lines \"# proxy MISBEHAVIOUR: REASON\" of its header have %v", path, names(used), names(declared))
		}
		maps.Copy(misused, used)
		maps.Copy(states, arguments(serveLine, string(text)))
	}
	if got, want := names(misused), slices.Sorted(maps.Keys(misbehaviours)); !slices.Equal(got, want) {
		t.Errorf("scripts use the misbehaviours %v of %v", got, want)
	}
	if got, want := names(states), slices.Sorted(slices.Values(serverStates)); !slices.Equal(got, want) {
		t.Errorf("scripts use the states %v of %v", got, want)
	}
}

// arguments returns the arguments in the lines that pattern matches.
func arguments(pattern *regexp.Regexp, text string) map[string]bool {
	found := map[string]bool{}
	for _, line := range pattern.FindAllStringSubmatch(text, -1) {
		for _, argument := range strings.Fields(line[1]) {
			found[argument] = true
		}
	}
	return found
}

func names(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
