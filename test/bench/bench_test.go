package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	for list, want := range map[string]int{"": len(parts), "clone": 1, "log,one-file": 2} {
		chosen, err := choose(list)
		if err != nil || len(chosen) != want {
			t.Errorf("%q: %d parts, %v", list, len(chosen), err)
		}
	}
	if chosen, _ := choose("log,one-file"); chosen[0].name != "one-file" {
		t.Error("the parts are not in the table's order")
	}
	if _, err := choose("clone,clones"); err == nil || !strings.Contains(err.Error(), `"clones"`) {
		t.Errorf("an unknown part: %v", err)
	}
	for _, arguments := range [][]string{{"-only", "all"}, {"-rounds", "0"}} {
		if err := run(t.Context(), arguments); err == nil {
			t.Errorf("%q is accepted", arguments)
		}
	}
}

// Both sides run equally often, and each runs first in every other pair.
func TestPairsAlternate(t *testing.T) {
	var did []string
	does := func(what string) func(context.Context) error {
		return func(context.Context) error { did = append(did, what); return nil }
	}
	renew := func(_ context.Context, round int) error { did = append(did, fmt.Sprint(round)); return nil }
	b := &bench{rounds: 3}
	them, us, err := b.pairs(t.Context(), "test", renew, side{does("a"), does("A"), nil}, side{nil, does("B"), does("b")})
	if err != nil || len(them) != 3 || len(us) != 3 {
		t.Fatalf("%v, %v, %v", them, us, err)
	}
	if got, want := strings.Join(did, ""), "0aABb1BbaA2aABb"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	failed := errors.New("failed")
	fails := func(context.Context) error { return failed }
	for name, theirs := range map[string]side{"before": {before: fails, work: does("A")}, "work": {work: fails}, "after": {work: does("A"), after: fails}} {
		if _, _, err := b.pairs(t.Context(), "test", nil, theirs, side{work: does("B")}); !errors.Is(err, failed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Lines are counted however they are split into writes. Echoed commands don't count.
func TestLines(t *testing.T) {
	const text = "#6 RUN awk printf \"@%05d\\n\"\n#6 0.1 @00000\n#6 0.2 @00001\nrun: @00002\nend"
	for size := 1; size <= len(text); size++ {
		var seen lines
		for part := range slices.Chunk([]byte(text), size) {
			if n, err := seen.Write(part); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		if seen.count != 3 || seen.first.IsZero() || seen.last.Before(seen.first) {
			t.Errorf("in writes of %d bytes: %d lines", size, seen.count)
		}
	}
}

func TestProc(t *testing.T) {
	resident, err := memory(os.Getpid(), "VmRSS")
	if err != nil || resident < 1 || resident > 10_000 {
		t.Errorf("this process takes %v MB, %v", resident, err)
	}
	if _, err := memory(os.Getpid(), "VmNothing"); err == nil {
		t.Error("no error for a figure that doesn't exist")
	}
}

func TestUnknownRolesAreRefused(t *testing.T) {
	for _, arguments := range [][]string{nil, {"x"}, {"x", "y"}} {
		if err := runRole(t.Context(), "other", arguments); err == nil {
			t.Errorf("%q is accepted", arguments)
		}
	}
}
