package gitstore

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// delta makes an object of a base and instructions, as a stream: go-git's
// functions hold base, delta and result in memory, or read the base again for
// every step back in it. Format: Git's gitformat-pack, "Deltified
// representation".
type delta struct {
	base         *io.SectionReader
	content      []byte // the base, if it is small
	instructions *bufio.Reader
	size         int64 // of the object that results
}

// smallBase is the size up to which a base is read into memory: most are small, and
// a read for each instruction would be most of the work.
const smallBase = 256 << 10

// start reads the sizes at the head of the instructions. It reuses the memory of
// the previous delta.
func (d *delta) start(base *io.SectionReader, instructions io.Reader) error {
	if d.instructions == nil {
		d.instructions = bufio.NewReader(nil)
	}
	d.instructions.Reset(instructions)
	baseSize, err := binary.ReadUvarint(d.instructions)
	if err != nil {
		return fmt.Errorf("delta: base size: %w", truncated(err))
	}
	size, err := binary.ReadUvarint(d.instructions)
	if err != nil {
		return fmt.Errorf("delta: size: %w", truncated(err))
	}
	if baseSize != uint64(base.Size()) || size > 1<<62 { //nolint:gosec // a size is not negative
		return errors.New("delta: does not fit its base")
	}
	d.base, d.size, d.content = base, int64(size), d.content[:0]
	if baseSize <= smallBase {
		d.content = slices.Grow(d.content, int(baseSize))[:baseSize]
		if _, err := io.ReadFull(base, d.content); err != nil {
			return fmt.Errorf("delta: read base: %w", err)
		}
	}
	return nil
}

// writeTo writes the resulting object.
func (d *delta) writeTo(w io.Writer) error {
	left := d.size
	for left > 0 {
		code, err := d.instructions.ReadByte()
		if err != nil {
			return fmt.Errorf("delta: %w", truncated(err))
		}
		var offset int64
		length, copies := int64(code), code&0x80 != 0
		if copies {
			if offset, length, err = d.readCopy(code); err != nil {
				return err
			}
		} else if code == 0 {
			return errors.New("delta: reserved instruction")
		}
		if length > left {
			return errors.New("delta: makes more than its size")
		}
		if copies {
			err = d.copyTo(w, offset, length)
		} else {
			err = d.insertTo(w, int(length))
		}
		if err != nil {
			return fmt.Errorf("delta: %w", truncated(err))
		}
		left -= length
	}
	if _, err := d.instructions.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("delta: goes on after its end")
	}
	return nil
}

// copyTo writes a range of the base.
func (d *delta) copyTo(w io.Writer, offset, length int64) (err error) {
	if int64(len(d.content)) == d.base.Size() {
		_, err = w.Write(d.content[offset : offset+length])
	} else {
		_, err = io.CopyN(w, io.NewSectionReader(d.base, offset, length), length)
	}
	return err
}

// insertTo writes bytes that follow an insert instruction, at most 127.
func (d *delta) insertTo(w io.Writer, length int) error {
	inserted, err := d.instructions.Peek(length)
	if err != nil {
		return err
	}
	if _, err := w.Write(inserted); err != nil {
		return err
	}
	_, err = d.instructions.Discard(length)
	return err
}

// readCopy reads the range of a copy instruction: bits 0 to 3 of code select the
// bytes of the offset that follow, bits 4 to 6 those of the length.
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
	if offset+length > d.base.Size() {
		return 0, 0, errors.New("delta: copies from beyond its base")
	}
	return offset, length, nil
}

// truncated turns the end of the input, in the middle of a structure, into
// io.ErrUnexpectedEOF.
func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
