package bzip2

import "math/bits"

const (
	levelSize = 100_000 // bytes in a block, for each level
	maxLevel  = 9
)

// Encoder compresses. Its zero value is ready for use. It keeps buffers of about
// 10 bytes for each byte of the largest block so far, 9.1 MB at most, and must
// not be used by two goroutines at once.
type Encoder struct {
	transformer transformer
	ranking     ranking
	coding      coding
	turned      [1024]byte // scratch memory of checksum
}

// AppendStream appends one whole bzip2 stream that holds input to dst and
// returns the extended slice. An input of up to 900,000 bytes becomes a single
// block, unless replacing runs lengthens it; a longer one becomes several.
// Streams that follow one another read as one.
func (e *Encoder) AppendStream(dst, input []byte) []byte {
	level := min(maxLevel, max(1, (len(input)+levelSize-1)/levelSize))
	e.transformer.reserve(level * levelSize)
	w := bitWriter{out: append(dst, 'B', 'Z', 'h', byte('0'+level))}
	combined := uint32(0)
	for len(input) > 0 {
		taken, crc := e.block(&w, input, level*levelSize)
		combined = bits.RotateLeft32(combined, 1) ^ crc
		input = input[taken:]
	}
	w.write48(endMarker)
	w.write(uint64(combined), 32)
	return w.finish()
}

// block writes one block of at most limit bytes, and returns how much of input
// it holds and the CRC of that.
func (e *Encoder) block(w *bitWriter, input []byte, limit int) (taken int, crc uint32) {
	t := &e.transformer
	t.text, taken = appendRuns(t.text[:1], input, limit+1)
	crc = checksum(input[:taken], e.turned[:])
	var used [256]bool
	for _, b := range t.text[1:] {
		used[b] = true
	}
	column, origin := t.transform()
	e.ranking.encode(column, &used)
	e.coding.choose(e.ranking.symbols, e.ranking.counts)
	writeBlock(w, crc, origin, &used, e.ranking.symbols, &e.coding)
	return taken, crc
}
