package source

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// delta makes an object out of a base and instructions, as a stream: go-git's
// own functions hold base, delta and result in memory, or read the base anew
// for every step back in it. Format: Git's gitformat-pack, "Deltified
// representation".
type delta struct {
	base         io.ReaderAt
	baseSize     int64
	instructions *bufio.Reader
	size         int64 // of the object that results
}

// smallBase is the size up to which a base is read at once: small ones are many,
// and a read for each instruction would be most of the work.
const smallBase = 256 << 10

// newDelta reads the sizes at the head of the instructions.
func newDelta(base *io.SectionReader, instructions *bufio.Reader) (*delta, error) {
	baseSize, err := binary.ReadUvarint(instructions)
	if err != nil {
		return nil, fmt.Errorf("delta: base size: %w", truncated(err))
	}
	size, err := binary.ReadUvarint(instructions)
	if err != nil {
		return nil, fmt.Errorf("delta: size: %w", truncated(err))
	}
	if baseSize != uint64(base.Size()) || size > 1<<62 { //nolint:gosec // a size is not negative
		return nil, errors.New("delta: does not fit its base")
	}
	d := &delta{base: base, baseSize: base.Size(), instructions: instructions, size: int64(size)}
	if base.Size() <= smallBase {
		content, err := io.ReadAll(base)
		if err != nil {
			return nil, fmt.Errorf("delta: read base: %w", err)
		}
		d.base = bytes.NewReader(content)
	}
	return d, nil
}

// writeTo writes the resulting object.
func (d *delta) writeTo(w io.Writer) error {
	left := d.size
	for left > 0 {
		code, err := d.instructions.ReadByte()
		if err != nil {
			return fmt.Errorf("delta: %w", truncated(err))
		}
		var from io.Reader
		length := int64(code)
		switch {
		case code&0x80 != 0:
			var offset int64
			if offset, length, err = d.readCopy(code); err != nil {
				return err
			}
			from = io.NewSectionReader(d.base, offset, length)
		case code == 0:
			return errors.New("delta: reserved instruction")
		default:
			from = d.instructions
		}
		if length > left {
			return errors.New("delta: makes more than it says")
		}
		if _, err := io.CopyN(w, from, length); err != nil {
			return fmt.Errorf("delta: %w", truncated(err))
		}
		left -= length
	}
	if _, err := d.instructions.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("delta: goes on after its end")
	}
	return nil
}

// readCopy reads the range of a copy instruction: bits 0 to 3 of code say which
// bytes of the offset follow, bits 4 to 6 which of the length.
func (d *delta) readCopy(code byte) (offset, length int64, err error) {
	for i := range 7 {
		if code&(1<<i) == 0 {
			continue
		}
		b, err := d.instructions.ReadByte()
		if err != nil {
			return 0, 0, fmt.Errorf("delta: %w", truncated(err))
		}
		if i < 4 {
			offset |= int64(b) << (8 * i)
		} else {
			length |= int64(b) << (8 * (i - 4))
		}
	}
	if length == 0 {
		length = 0x10000
	}
	if offset+length > d.baseSize {
		return 0, 0, errors.New("delta: copies from beyond its base")
	}
	return offset, length, nil
}

// truncated tells an end in the middle from an end.
func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
