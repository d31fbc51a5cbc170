// Package bzip2 is a bzip2 encoder; the standard library's compress/bzip2 reads
// what it writes. The signed manifest is a bzip2 file by definition, and
// compressing it is the most work a build gives this program itself: this
// encoder does it faster than bzip2(1), within the memory of a small server.
//
// It trusts nothing: every input, the empty one included, is compressed, in time
// proportional to its length even when it is one long repetition. It never
// fails, never starts a goroutine, and never keeps state from one stream to the
// next: the same input gives the same bytes on every machine. The golden files
// in testdata pin them, because signatures are made over them.
//
// # Format
//
// bzip2 is Julian Seward's (https://sourceware.org/bzip2), and no standard
// describes it. What is written here follows Joe Tsai's description of 2016,
// sections 2.1 to 2.2.4 (https://github.com/dsnet/compress/blob/master/doc/bzip2-format.pdf),
// and was checked against bzip2 1.0.8. Numbers are bit strings, the most
// significant bit first; x:n has n bits.
//
//	stream = "BZh" level block* 0x177245385090 checksum:32 padding
//	block  = 0x314159265359 crc:32 randomised:1 origin:24 used:16 used:16*
//	         tables:3 selectors:15 selector* table* symbol*
//
// block.go writes it. Between the input and the symbols of a block are these
// steps, each a file here:
//
//	runs.go       runs of 4 to 255 equal bytes become 4 bytes and a count; the
//	              block's CRC is that of the bytes before this step
//	rotations.go  the Burrows-Wheeler transform: the last column of the block's
//	              sorted rotations; origin is the row of the block itself
//	suffixes.go   (the sorting, and names.go its recursion)
//	ranks.go      move to front, then runs of rank 0 in bijective base 2
//	tables.go     2 to 6 Huffman tables; a selector names one for each 50 symbols
//	lengths.go    (the lengths of their codes)
//
// Choices that the format leaves open, and that are thus part of the bytes:
//
//   - The level is the smallest from 1 to 9 whose blocks of level × 100,000 bytes
//     hold the input, else 9. What does not fit one block goes on in the next: from
//     where the block is full, or from a run whose 5 bytes it can't hold.
//   - The number of tables depends on the number of symbols, as with bzip2(1); see
//     tableCount. How the tables are found is in coding.choose and divide.
//   - Of equal rotations, the origin is one that the sorting decides; all give the
//     same column, and any gives the same input.
//   - No code is longer than maxLength bits, as bzip2(1) writes them since 1.0.3,
//     although the format takes 20.
package bzip2
