package bzip2

import "slices"

// maxLength is the length in bits of the longest code.
const maxLength = 17

// codeLengths sets lengths[i] to the length in bits of the code of symbol i in a
// Huffman code for the counts, each of which is below 2^22. Every symbol gets
// a code, also one that does not occur; there are at least 2.
//
// Where a code would be too long, all counts are halved and it begins again: what
// bzip2 does too. It costs next to nothing, since such codes are of rare symbols.
func codeLengths(lengths []uint8, counts []int32) {
	var leaves [maxSymbols]uint32 // count and symbol
	for shift := 0; ; shift++ {
		for i, count := range counts {
			leaves[i] = max(1, uint32(count)>>shift)<<9 | uint32(i)
		}
		if huffman(lengths, leaves[:len(counts)]) <= maxLength {
			return
		}
	}
}

// huffman sets the lengths of an unlimited code for leaves, which it sorts, and
// returns the greatest. Nodes are made in order of their weights, so the two
// lightest are at the front of the leaves or of the inner nodes.
func huffman(lengths []uint8, leaves []uint32) uint8 {
	slices.Sort(leaves)
	var weights [maxSymbols]uint32
	var parents [2 * maxSymbols]uint16 // of the leaves, then of the inner nodes
	n := len(leaves)
	leaf, inner := 0, 0
	for made := range n - 1 {
		for range 2 {
			if inner == made || leaf < n && leaves[leaf]>>9 <= weights[inner] {
				weights[made] += leaves[leaf] >> 9
				parents[leaf] = uint16(made)
				leaf++
			} else {
				weights[made] += weights[inner]
				parents[n+inner] = uint16(made)
				inner++
			}
		}
	}
	var depths [maxSymbols]uint8 // of the inner nodes; the last one is the root
	for i := n - 3; i >= 0; i-- {
		depths[i] = depths[parents[n+i]] + 1
	}
	for i, l := range leaves {
		lengths[l&(1<<9-1)] = depths[parents[i]] + 1
	}
	return depths[parents[0]] + 1
}
