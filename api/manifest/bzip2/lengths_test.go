package bzip2

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestCodeLengths compares with Huffman's algorithm done naively, where that
// needs no limit, and checks in any case that the code is complete.
func TestCodeLengths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, maxSymbols).Draw(t, "symbols")
		counts := rapid.SliceOfN(rapid.Int32Range(0, 900_000/maxSymbols), n, n).Draw(t, "counts")
		lengths := make([]uint8, len(counts))
		codeLengths(lengths, counts)
		checkComplete(t, lengths)
		got := 0
		for i, length := range lengths {
			got += int(length) * int(max(1, counts[i]))
		}
		want, longest := naive(counts)
		if got != want && longest <= maxLength {
			t.Fatalf("%d bits, want %d", got, want)
		}
	})
}

// TestCodeLengthsAreLimited takes the counts whose code is the longest.
func TestCodeLengthsAreLimited(t *testing.T) {
	counts := []int32{1, 1}
	for len(counts) < 28 {
		counts = append(counts, counts[len(counts)-1]+counts[len(counts)-2])
	}
	for n := 2; n <= len(counts); n++ {
		lengths := make([]uint8, n)
		codeLengths(lengths, counts[:n])
		checkComplete(t, lengths)
		if want := uint8(n - 1); n <= maxLength+1 && slices.Max(lengths) != want {
			t.Errorf("%d symbols: longest code %d, want %d", n, slices.Max(lengths), want)
		}
	}
}

// checkComplete checks Kraft's equality: no bits are wasted and none is missing.
func checkComplete(t interface{ Fatalf(string, ...any) }, lengths []uint8) {
	sum := 0
	for _, length := range lengths {
		if length < 1 || length > maxLength {
			t.Fatalf("a code of %d bits", length)
		}
		sum += 1 << (maxLength - length)
	}
	if sum != 1<<maxLength {
		t.Fatalf("the code is not complete: %v", lengths)
	}
}

// naive returns how many bits an unlimited Huffman code needs, which is the sum of
// all inner nodes, and how long its longest code becomes when of equal nodes the
// deepest are joined first.
func naive(counts []int32) (bits, longest int) {
	type node struct{ weight, depth int }
	var nodes []node
	for _, count := range counts {
		nodes = append(nodes, node{int(max(1, count)), 0})
	}
	for len(nodes) > 1 {
		slices.SortFunc(nodes, func(a, b node) int { return cmp.Or(a.weight-b.weight, b.depth-a.depth) })
		a, b := nodes[0], nodes[1]
		nodes = append(nodes[2:], node{a.weight + b.weight, max(a.depth, b.depth) + 1})
		bits += a.weight + b.weight
	}
	return bits, nodes[0].depth
}
