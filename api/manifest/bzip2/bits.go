package bzip2

import "encoding/binary"

// bitWriter appends bits to out, most significant first.
type bitWriter struct {
	out     []byte
	pending uint64 // the last count bits are not in out yet
	count   uint   // under 32 between calls
}

// write appends the last n bits of value, which has no others. n is at most 32.
func (w *bitWriter) write(value uint64, n uint) {
	w.pending = w.pending<<n | value
	w.count += n
	if w.count >= 32 {
		w.count -= 32
		w.out = binary.BigEndian.AppendUint32(w.out, uint32(w.pending>>w.count))
	}
}

// write48 appends one of the format's 48-bit markers.
func (w *bitWriter) write48(value uint64) {
	w.write(value>>24, 24)
	w.write(value&(1<<24-1), 24)
}

// finish fills the last byte with zero bits and returns all of out.
func (w *bitWriter) finish() []byte {
	for ; w.count%8 != 0; w.count++ {
		w.pending <<= 1
	}
	for ; w.count > 0; w.count -= 8 {
		w.out = append(w.out, byte(w.pending>>(w.count-8)))
	}
	return w.out
}
