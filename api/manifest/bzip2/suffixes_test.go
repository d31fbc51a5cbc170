package bzip2

import (
	"bytes"
	"slices"
	"testing"
)

// TestRotations sorts every short text of two, three and four symbols, and
// compares the transform with one by plain sorting. Rotations that are equal
// have the same byte before them, and any of them may be the origin.
func TestRotations(t *testing.T) {
	for alphabet, longest := range map[int]int{2: 14, 3: 9, 4: 7} {
		for n := 1; n <= longest; n++ {
			block := make([]byte, n)
			for more := true; more; more = increment(block, byte(alphabet)) {
				checkTransform(t, block)
			}
		}
	}
}

// increment counts block up, as a number of n digits, until it is over.
func increment(block []byte, base byte) bool {
	for i := range block {
		if block[i]++; block[i] < base {
			return true
		}
		block[i] = 0
	}
	return false
}

// TestRotationsOfCorpora needs the deeper levels of the recursion.
func TestRotationsOfCorpora(t *testing.T) {
	corpora := corpora()
	for _, name := range names(corpora) {
		if block := corpora[name]; len(block) > 0 {
			checkTransform(t, block[:min(len(block), 3000)])
		}
	}
	checkTransform(t, fibonacci(6765))
	checkTransform(t, thueMorse(4096))
}

func checkTransform(t *testing.T, block []byte) {
	t.Helper()
	var tr transformer
	tr.reserve(len(block))
	tr.text = append(tr.text[:1], block...)
	column, origin := tr.transform()

	n := len(block)
	twice := append(slices.Clone(block), block...)
	rotations := make([][]byte, n)
	for i := range rotations {
		rotations[i] = twice[i : i+n]
	}
	slices.SortFunc(rotations, bytes.Compare)
	for row, rotation := range rotations {
		if byte(column[row]) != rotation[n-1] {
			t.Fatalf("%q: row %d ends with %d, want %d", block, row, column[row], rotation[n-1])
		}
	}
	if !bytes.Equal(rotations[origin], block) {
		t.Fatalf("%q: row %d is %q", block, origin, rotations[origin])
	}
}
