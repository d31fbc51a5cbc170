package bzip2

// transformer makes the Burrows-Wheeler transform of blocks. Its buffers are
// used again for the next block.
type transformer struct {
	text []byte  // the block, with a free byte before it and one after it
	rows []int32 // the rotations of the block, sorted
	work []int32 // what sorting needs besides
}

// reserve allocates memory for blocks of size bytes.
func (t *transformer) reserve(size int) {
	if cap(t.text) >= size+2 {
		return
	}
	t.text = make([]byte, 0, size+2)
	t.rows = make([]int32, rowsFor(size))
	t.work = make([]int32, workFor(size))
}

// transform sorts the rotations of the block, which is text[1:], and returns the
// byte before the first of each, in their order: the last column of the table of
// rotations. origin is the row of the block itself. The column is in the memory of
// the rows, one byte in each element and one element free after it, so that the
// next step has a free byte there too.
func (t *transformer) transform() (column []int32, origin int) {
	n := len(t.text) - 1
	t.text[0] = t.text[n]
	t.text = append(t.text, t.text[1])
	sortRotations(t.text, 256, t.rows, t.work)
	column = t.rows[:n]
	for row, position := range column {
		if position == int32(n+1) {
			origin = row
		}
		column[row] = int32(t.text[position-1])
	}
	return column, origin
}
