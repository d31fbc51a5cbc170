package gitstore

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // the checksum the pack format asks for
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/adler32"
	"hash/crc32"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
)

// packWriter writes a pack whose bytes depend on its objects alone: whole objects
// in the order they are added, in zlib streams of stored blocks. A compressor would
// make it smaller, and tie its bytes to the version of that compressor.
//
// Formats: Git's gitformat-pack (version 2), RFC 1950 (zlib), RFC 1951 section
// 3.2.4 (stored blocks).
type packWriter struct {
	out    *bufio.Writer // the pack
	sum    hash.Hash     // over the pack
	crc    hash.Hash32   // over the current object
	offset uint64
	index  *idxfile.Writer
	block  []byte
}

// maxStored is the length of the longest stored block (RFC 1951, 3.2.4).
const maxStored = 0xffff

func newPackWriter(w io.Writer, count uint32) (*packWriter, error) {
	sum := sha1.New() //nolint:gosec // see above
	p := &packWriter{
		out:   bufio.NewWriterSize(io.MultiWriter(w, sum), 256<<10),
		sum:   sum,
		crc:   crc32.NewIEEE(),
		index: &idxfile.Writer{},
		block: make([]byte, maxStored),
	}
	if err := p.index.OnHeader(count); err != nil {
		return nil, err
	}
	header := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), count)
	return p, p.write(header)
}

func (p *packWriter) write(data []byte) error {
	p.offset += uint64(len(data))
	_, _ = p.crc.Write(data) // a hash.Hash never fails
	_, err := p.out.Write(data)
	return err
}

// add appends one object.
func (p *packWriter) add(ctx context.Context, id plumbing.Hash, kind plumbing.ObjectType, size int64, content io.Reader) error {
	start := p.offset
	p.crc.Reset()
	if err := p.write(append(objectHeader(kind, size), 0x78, 0x01)); err != nil {
		return err
	}
	if err := p.stored(ctx, size, content); err != nil {
		return err
	}
	p.index.Add(id, start, p.crc.Sum32())
	return nil
}

// objectHeader encodes the type and the size of an entry: four bits of the size
// share a byte with the type, then seven bits a byte follow, the lowest first.
func objectHeader(kind plumbing.ObjectType, size int64) []byte {
	first := byte(kind)<<4 | byte(size&0x0f)
	size >>= 4
	if size == 0 {
		return []byte{first}
	}
	return binary.AppendUvarint([]byte{first | 0x80}, uint64(size)) //nolint:gosec // a size is not negative
}

// stored writes content as the stored blocks of a zlib stream, and its checksum.
func (p *packWriter) stored(ctx context.Context, size int64, content io.Reader) error {
	adler := adler32.New()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		block := p.block[:min(size, maxStored)]
		if _, err := io.ReadFull(content, block); err != nil {
			return err
		}
		size -= int64(len(block))
		length := uint16(len(block)) //nolint:gosec // at most maxStored
		header := []byte{0}
		if size == 0 {
			header[0] = 1 // the last block
		}
		header = binary.LittleEndian.AppendUint16(header, length)
		header = binary.LittleEndian.AppendUint16(header, ^length)
		if err := p.write(header); err != nil {
			return err
		}
		if err := p.write(block); err != nil {
			return err
		}
		_, _ = adler.Write(block)
		if size == 0 {
			return p.write(adler.Sum(nil))
		}
	}
}

// finish ends the pack and returns its checksum and its index.
func (p *packWriter) finish() (plumbing.Hash, *idxfile.MemoryIndex, error) {
	if err := p.out.Flush(); err != nil {
		return plumbing.ZeroHash, nil, err
	}
	var sum plumbing.Hash
	copy(sum[:], p.sum.Sum(nil))
	if _, err := p.out.Write(sum[:]); err != nil {
		return sum, nil, err
	}
	if err := p.out.Flush(); err != nil {
		return sum, nil, err
	}
	if err := p.index.OnFooter(sum); err != nil {
		return sum, nil, err
	}
	index, err := p.index.Index()
	return sum, index, err
}

// WritePack writes the pack of a closure, and its index, into objects/pack of a Git
// folder. The bytes depend on the set of objects alone.
func WritePack(ctx context.Context, git *os.Root, store *Store, objects *Closure) (err error) {
	const unnamed = "objects/pack/pack"
	if err := makeFolders(git, "objects/pack"); err != nil {
		return err
	}
	file, err := git.OpenFile(unnamed, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	sum, index, err := packInto(ctx, file, store, store.sorted(objects.keep))
	if err := errors.Join(err, file.Chmod(0o444), file.Close()); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	name := "objects/pack/pack-" + sum.String()
	if err := git.Rename(unnamed, name+".pack"); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	return writeFile(git, name+".idx", 0o444, func(w io.Writer) error {
		_, err := idxfile.NewEncoder(w).Encode(index)
		return err
	})
}

func packInto(ctx context.Context, w io.Writer, store *Store, rows []int32) (plumbing.Hash, *idxfile.MemoryIndex, error) {
	pack, err := newPackWriter(w, uint32(len(rows))) //nolint:gosec // bounded by MaxObjects
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	for _, row := range rows {
		content, err := store.at(row)
		if err != nil {
			return plumbing.ZeroHash, nil, err
		}
		o := store.table[row]
		if err := pack.add(ctx, o.id, o.kind, o.size, content); err != nil {
			return plumbing.ZeroHash, nil, err
		}
	}
	return pack.finish()
}
