package bzip2

import "bytes"

// The symbols of a block. Runs of rank 0 are written in RUNA and RUNB; rank r
// from 1 on is symbol r+1; the symbol after the last rank ends the block.
const (
	runA       = 0
	runB       = 1
	maxSymbols = 258
)

// ranking replaces each byte of a column by its rank in a list of the block's
// bytes, in which it then moves to the front.
type ranking struct {
	list    [256]byte // the bytes that occur, in order of their last use
	symbols []int32
	counts  []int32           // how often each symbol occurs, of those that the block may use
	memory  [maxSymbols]int32 // of counts
}

// shortSearch is the number of ranks that are searched byte by byte, before
// searching and moving the rest of the list as a whole is faster.
const shortSearch = 8

// encode turns column into symbols, in the same memory: it never has more
// symbols than bytes, and one to end them. used is which bytes occur in it.
func (r *ranking) encode(column []int32, used *[256]bool) {
	listed := 0
	for b, occurs := range used {
		if occurs {
			r.list[listed] = byte(b)
			listed++
		}
	}
	r.symbols = column[:0]
	r.counts = r.memory[:listed+2]
	clear(r.counts)
	run := 0
	for _, value := range column {
		b := byte(value)
		if b == r.list[0] {
			run++
			continue
		}
		if run > 0 {
			r.endRun(run)
			run = 0
		}
		r.emit(r.toFront(b) + 1)
	}
	r.endRun(run)
	r.emit(int32(listed + 1))
}

// toFront moves b, which is in the list and not its first, to the front, and
// returns the rank it had.
func (r *ranking) toFront(b byte) int32 {
	moving := r.list[0]
	for rank := 1; rank < shortSearch; rank++ {
		next := r.list[rank]
		r.list[rank] = moving
		if next == b {
			r.list[0] = b
			return int32(rank)
		}
		moving = next
	}
	rest := r.list[shortSearch:]
	at := bytes.IndexByte(rest, b)
	copy(rest[1:at+1], rest[:at])
	rest[0] = moving
	r.list[0] = b
	return int32(shortSearch + at)
}

// endRun writes the length of a run of rank 0 in bijective base 2, with RUNA for
// the digit 1 and RUNB for 2, the lowest first.
func (r *ranking) endRun(length int) {
	for ; length > 0; length = (length - 1) / 2 {
		if length%2 == 1 {
			r.emit(runA)
		} else {
			r.emit(runB)
		}
	}
}

func (r *ranking) emit(symbol int32) {
	r.counts[symbol]++
	r.symbols = append(r.symbols, symbol)
}
