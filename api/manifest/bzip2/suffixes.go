package bzip2

// Rotations are sorted by SA-IS: Nong, Zhang and Chan, "Two Efficient Algorithms
// for Linear Time Suffix Array Construction" (IEEE Transactions on Computers
// 60(10), 2011), here with rotations instead of suffixes. What follows the last
// symbol is the first, so that no sentinel is needed.
//
// A rotation is of type L when it is larger than its successor, the rotation
// that begins one symbol later, and of type S when it is smaller. (Where they
// are equal, all are, and any order will do.) An S with an L before it is an LMS
// rotation. Once the LMS rotations are sorted, two scans over the rows sort the
// rest: each L goes to its row when the scan from the left meets its smaller
// successor, each S when the scan from the right meets its larger one.
//
// The LMS rotations are sorted by the same two scans, which put them in order up to
// the next LMS symbol; where that leaves some equal, the pieces between get names
// in that order, and the text of the names, of at most half the length, is sorted
// by the same method.
//
// A text of n symbols is at [1, n], with a copy of the last one at 0 and of
// the first one at n+1. The position of a rotation is the index of its first symbol,
// but n+1 instead of 1: thus the symbol before it is always that at position-1, and
// 0 is free to mark an empty row.

type symbol interface{ byte | int32 }

// The bits of a row besides the position, which is below 2^20.
const (
	forS      = -1 << 31 // the predecessor is of type S: the second scan is to place it
	isLMS     = 1 << 30  // of an S: the predecessor is of type L
	positions = isLMS - 1
)

// rowsFor returns the number of rows that sortRotations needs for n symbols: two
// for each level of the recursion come on top, and each level at least halves n.
func rowsFor(n int) int { return n + 2*32 }

// workFor returns the size of the work memory that sortRotations needs for n bytes.
// A level needs a count and a bucket for each symbol of its alphabet, and a list of
// its LMS positions; the second level has at most n/2 symbols in its text and its
// alphabet.
func workFor(n int) int { return max(2*256+n/2, n+n/4) + 1 }

// sortRotations writes the positions of text's rotations to rows[:len(text)-2], in
// order. Symbols are below alphabet. See rowsFor and workFor.
func sortRotations[S symbol](text []S, alphabet int, rows, work []int32) {
	n := len(text) - 2
	s := sorting[S]{
		text:    text,
		n:       int32(n),
		rows:    rows[:n],
		counts:  work[:alphabet],
		buckets: work[alphabet : 2*alphabet],
		list:    work[2*alphabet : 2*alphabet+n/2+1],
	}
	s.count()
	s.findLMS()
	found := len(s.lms)
	if found == 0 { // all symbols are equal
		for i := range s.rows {
			s.rows[i] = int32(i + 2)
		}
		return
	}
	s.placeLMS()
	s.induce()
	s.collectLMS()
	table := rows[found : found+(n+1)/2+1]
	if names := s.name(rows[:found], table); names < found {
		s.sortNames(names, table, rows, work)
	}
	s.spread(found)
	s.induce()
	for i := range s.rows {
		s.rows[i] &= positions
	}
}

// sorting is one level of the recursion.
type sorting[S symbol] struct {
	text    []S
	n       int32 // symbols in text
	rows    []int32
	counts  []int32 // how often each symbol occurs
	buckets []int32 // for each symbol, the next row to fill among those that begin with it
	list    []int32 // memory of lms
	lms     []int32 // the LMS positions in ascending order
}

func (s *sorting[S]) count() {
	clear(s.counts)
	for _, c := range s.text[1 : s.n+1] {
		s.counts[c]++
	}
}

// heads sets each bucket to its first row.
func (s *sorting[S]) heads() {
	sum := int32(0)
	for c, count := range s.counts {
		s.buckets[c] = sum
		sum += count
	}
}

// tails sets each bucket after its last row.
func (s *sorting[S]) tails() {
	sum := int32(0)
	for c, count := range s.counts {
		sum += count
		s.buckets[c] = sum
	}
}

// findLMS lists the LMS positions, from the last to the first. Types are computed
// without branches, which no processor could predict.
func (s *sorting[S]) findLMS() {
	first := int32(1) // the first symbol whose type shows
	for first < s.n && s.text[first] == s.text[first+1] {
		first++
	}
	small := uint32(0) // 1 when the rotation at i+1 is of type S
	if s.text[first] < s.text[first+1] {
		small = 1
	}
	next := int32(s.text[s.n+1])
	free := len(s.list) - 1
	for i := s.n; i > 0; i-- {
		c := int32(s.text[i])
		less, greater := uint32(c-next)>>31, uint32(next-c)>>31
		s.list[free] = i + 1
		free -= int(greater & small)
		small = less | small&^greater
		next = c
	}
	s.lms = s.list[free+1:]
}

// placeLMS puts the LMS rotations at the ends of their buckets, in no order.
func (s *sorting[S]) placeLMS() {
	clear(s.rows)
	s.tails()
	for _, position := range s.lms {
		c := s.text[position]
		s.buckets[c]--
		s.rows[s.buckets[c]] = position
	}
}

// spread moves the sorted LMS rotations from the beginning of the rows to the
// ends of their buckets.
func (s *sorting[S]) spread(found int) {
	clear(s.rows[found:])
	s.tails()
	for i := found - 1; i >= 0; i-- {
		position := s.rows[i]
		s.rows[i] = 0
		c := s.text[position]
		s.buckets[c]--
		s.rows[s.buckets[c]] = position
	}
}

// induce sorts all rotations from the LMS ones in the rows.
func (s *sorting[S]) induce() {
	s.heads()
	s.induceL()
	s.tails()
	s.induceS()
}

// induceL is the scan that puts the L rotations at the heads of their buckets.
func (s *sorting[S]) induceL() {
	text, rows, buckets := s.text, s.rows, s.buckets
	for i := range rows {
		position := rows[i]
		if position <= 0 {
			continue
		}
		position--
		c := text[position]
		before := text[position-1]
		if position == 1 {
			position = s.n + 1
		}
		row := buckets[c]
		buckets[c] = row + 1
		rows[row] = position | (int32(before)-int32(c))&forS // forS when before < c
	}
}

// induceS is the scan that puts the S rotations, LMS ones included, at the tails
// of their buckets. What the LMS rotations left there is overwritten.
func (s *sorting[S]) induceS() {
	text, rows, buckets := s.text, s.rows, s.buckets
	for i := len(rows) - 1; i >= 0; i-- {
		position := rows[i]
		if position >= 0 {
			continue
		}
		position &= positions
		rows[i] = position
		position--
		c := text[position]
		before := text[position-1]
		if position == 1 {
			position = s.n + 1
		}
		row := buckets[c] - 1
		buckets[c] = row
		larger := (int32(c) - int32(before)) >> 31 // all ones when before > c
		rows[row] = position | larger&isLMS | ^larger&forS
	}
}
