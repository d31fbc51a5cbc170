package bzip2

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

const (
	runStart = 4   // after so many equal bytes comes a count of further ones
	runMax   = 255 // the longest run that one count ends
)

// appendRuns appends input to block with its runs replaced, as far as block
// grows to no more than limit bytes, and returns how much of input that was.
func appendRuns(block, input []byte, limit int) (longer []byte, taken int) {
	for taken < len(input) && len(block) < limit {
		rest := input[taken:]
		plain := nextRun(rest[:min(len(rest), limit-len(block))])
		if plain > 0 {
			block = append(block, rest[:plain]...)
			taken += plain
			continue
		}
		if len(block)+runStart+1 > limit {
			break
		}
		run := runLength(rest)
		block = append(append(block, rest[:runStart]...), byte(run-runStart))
		taken += run
	}
	return block, taken
}

// nextRun returns where the first run of input begins, or its length.
func nextRun(input []byte) int {
	equal := 1
	for i := 1; i < len(input); i++ {
		if input[i] != input[i-1] {
			equal = 1
		} else if equal++; equal == runStart {
			return i + 1 - runStart
		}
	}
	return len(input)
}

// runLength returns how often the first byte of input is repeated, itself
// included, up to runMax.
func runLength(input []byte) int {
	n := 1
	for n < len(input) && n < runMax && input[n] == input[0] {
		n++
	}
	return n
}

// checksum returns the CRC of a block's input. It is the CRC-32 of IEEE 802.3
// with the most significant bit first. The standard library has it with the
// least significant bit first, in the processor's instructions: turning the
// bits of each byte and of the result makes one of the other. turned is scratch
// memory.
func checksum(input, turned []byte) uint32 {
	crc := uint32(0)
	for len(input) > 0 {
		n := turnBits(turned, input)
		crc = crc32.Update(crc, crc32.IEEETable, turned[:n])
		input = input[n:]
	}
	return bits.Reverse32(crc)
}

// turnBits copies src to dst with the bits of each byte in reverse order, and
// returns how many bytes it copied.
func turnBits(dst, src []byte) int {
	n := min(len(dst), len(src))
	i := 0
	for ; i+8 <= n; i += 8 {
		binary.BigEndian.PutUint64(dst[i:], bits.Reverse64(binary.LittleEndian.Uint64(src[i:])))
	}
	for ; i < n; i++ {
		dst[i] = bits.Reverse8(src[i])
	}
	return n
}
