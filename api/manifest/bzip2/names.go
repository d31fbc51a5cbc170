package bzip2

import "slices"

// This file sorts the LMS rotations of a level by their pieces, and where these
// are equal, by a text of names one level below.

// collectLMS moves the LMS rotations to the beginning of the rows.
func (s *sorting[S]) collectLMS() {
	found := 0
	for _, position := range s.rows {
		if position&isLMS != 0 {
			s.rows[found] = position & positions
			found++
		}
	}
}

// name gives each LMS rotation the number, from 1, of its piece, the symbols up
// to and with the next LMS symbol: equal pieces have equal names. sorted holds
// the rotations by their pieces; the name of the one at p is written to
// table[p/2], which no other one shares, and the other elements are 0. It
// returns how many names there are.
func (s *sorting[S]) name(sorted, table []int32) int {
	s.measure(table)
	names := int32(0)
	var previous, length int32
	for _, position := range sorted {
		last := length
		length = table[position/2]
		if length != last || !s.equal(previous, position, length) {
			names++
		}
		table[position/2] = names
		previous = position
	}
	return int(names)
}

// measure sets table[p/2] to the length of the piece at each LMS position p.
func (s *sorting[S]) measure(table []int32) {
	clear(table)
	last := len(s.lms) - 1
	for i, position := range s.lms[:last] {
		table[position/2] = s.lms[i+1] - position + 1
	}
	table[s.lms[last]/2] = s.lms[0] + s.n - s.lms[last] + 1
}

// equal reports whether the length symbols at a and at b are equal.
func (s *sorting[S]) equal(a, b, length int32) bool {
	if max(a, b)+length <= s.n+2 {
		return slices.Equal(s.text[a:a+length], s.text[b:b+length])
	}
	for range length {
		if s.text[a] != s.text[b] {
			return false
		}
		if a++; a > s.n {
			a -= s.n
		}
		if b++; b > s.n {
			b -= s.n
		}
	}
	return true
}

// sortNames sorts the LMS rotations by the names in table and leaves them at the
// beginning of rows. The text of the names is at the end of rows: it may
// overlap the table, but no name is overwritten before it is moved.
func (s *sorting[S]) sortNames(names int, table, rows, work []int32) {
	found := len(s.lms)
	end := len(rows) - found - 2
	text := rows[end:]
	for i, position := range slices.Backward(s.lms) {
		text[i+1] = table[position/2] - 1
	}
	text[0], text[found+1] = text[found], text[1]
	sortRotations(text, names, rows[:end], work)
	s.count() // work was used meanwhile
	s.findLMS()
	for i, position := range rows[:found] {
		index := int(position) - 1
		if index == found {
			index = 0
		}
		rows[i] = s.lms[index]
	}
}
