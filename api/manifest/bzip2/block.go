package bzip2

// The markers of the format: the digits of π and of its square root, four bits each.
const (
	blockMarker = 0x314159265359
	endMarker   = 0x177245385090
)

// writeBlock writes the block for which column, origin, symbols and tables were
// made.
func writeBlock(w *bitWriter, crc uint32, origin int, used *[256]bool, symbols []int32, c *coding) {
	w.write48(blockMarker)
	w.write(uint64(crc), 32)
	w.write(0, 1) // not randomised, which is obsolete
	w.write(uint64(origin), 24)
	writeUsed(w, used)
	w.write(uint64(len(c.tables)), 3)
	w.write(uint64(len(c.selectors)), 15)
	writeSelectors(w, c.selectors)
	for t := range c.tables {
		writeTable(w, c.tables[t][:c.alphabet])
	}
	writeSymbols(w, symbols, c)
}

// writeUsed writes which bytes occur: 16 bits for the groups of 16 bytes of which
// some occur, then 16 bits for each of these groups.
func writeUsed(w *bitWriter, used *[256]bool) {
	var groups [16]uint64
	present := uint64(0)
	for b, occurs := range used {
		if occurs {
			groups[b/16] |= 1 << (15 - b%16)
			present |= 1 << (15 - b/16)
		}
	}
	w.write(present, 16)
	for _, group := range groups {
		if group != 0 {
			w.write(group, 16)
		}
	}
}

// writeSelectors writes each selector as its rank in a list where it then moves
// to the front: so many ones, and a zero.
func writeSelectors(w *bitWriter, selectors []uint8) {
	list := [maxTables]uint8{0, 1, 2, 3, 4, 5}
	for _, selector := range selectors {
		rank := uint(0)
		for moving := selector; ; rank++ {
			moving, list[rank] = list[rank], moving
			if moving == selector {
				break
			}
		}
		w.write((1<<rank-1)<<1, rank+1)
	}
}

// writeTable writes the first code length in 5 bits, then for each symbol the
// steps from the length before, 10 for up and 11 for down, and a zero.
func writeTable(w *bitWriter, lengths []uint8) {
	current := lengths[0]
	w.write(uint64(current), 5)
	for _, length := range lengths {
		for ; current < length; current++ {
			w.write(0b10, 2)
		}
		for ; current > length; current-- {
			w.write(0b11, 2)
		}
		w.write(0, 1)
	}
}

// code is a symbol's code and its length, side by side.
type code uint32

const codeBits = 24 // of a code

// canonical returns the codes of the given lengths: shorter ones first, then in
// order of the symbols.
func canonical(lengths []uint8) (codes [maxSymbols]code) {
	next := uint32(0)
	for length := uint8(1); length <= maxLength; length++ {
		for symbol, l := range lengths {
			if l == length {
				codes[symbol] = code(uint32(length)<<codeBits | next)
				next++
			}
		}
		next <<= 1
	}
	return codes
}

// writeSymbols writes each group in the codes of its table.
func writeSymbols(w *bitWriter, symbols []int32, c *coding) {
	var codes [maxTables][maxSymbols]code
	for t := range c.tables {
		codes[t] = canonical(c.tables[t][:c.alphabet])
	}
	for _, selector := range c.selectors {
		group := symbols[:min(groupSize, len(symbols))]
		symbols = symbols[len(group):]
		table := &codes[selector]
		for _, symbol := range group {
			w.write(uint64(table[symbol]&(1<<codeBits-1)), uint(table[symbol]>>codeBits))
		}
	}
}
