package sourcecheck

// A repository's objects. Format: Git's gitformat-pack, version 2.

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// pack holds the contents of a pack.
type pack struct {
	objects map[plumbing.Hash]object
	sum     plumbing.Hash // its checksum, which is in its name
	index   [32]byte      // SHA-256 of the index that belongs to it
}

// object is one object of a pack. The content of commits, trees and tags is in
// the scratch file; that of a blob is not kept.
type object struct {
	kind   plumbing.ObjectType
	offset int64
	size   int64
}

// readPack computes the id of every object in a pack. Deltas are refused: the
// server writes none.
func (f *Folder) readPack(content io.Reader) (*pack, error) {
	tail := &tail{}
	content = io.TeeReader(content, tail)
	scanner := packfile.NewScanner(content)
	_, count, err := scanner.Header()
	if err != nil {
		return nil, err
	}
	if err := f.objects.take(int64(count)); err != nil {
		return nil, err
	}
	p := &pack{objects: map[plumbing.Hash]object{}}
	index := &idxfile.Writer{}
	for range count {
		if err := f.readObject(p, scanner, index); err != nil {
			return nil, err
		}
	}
	if p.sum, err = scanner.Checksum(); err != nil {
		return nil, err
	}
	if _, err := io.CopyBuffer(io.Discard, content, f.buffer); err != nil {
		return nil, err
	}
	if !bytes.Equal(tail.last, p.sum[:]) {
		return nil, errors.New("it continues after its end")
	}
	p.index, err = indexOf(index, p.sum)
	return p, err
}

func (f *Folder) readObject(p *pack, scanner *packfile.Scanner, index *idxfile.Writer) error {
	header, err := scanner.NextObjectHeader()
	if err != nil {
		return err
	}
	if err := f.packed.take(header.Length); err != nil {
		return err
	}
	o := object{kind: header.Type, size: header.Length, offset: f.scratch.end}
	hasher := plumbing.NewHasher(header.Type, header.Length)
	var into io.Writer = hasher
	switch header.Type {
	case plumbing.BlobObject:
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.TagObject:
		if header.Length > maxParsed {
			return fmt.Errorf("a %s has %d bytes, which are too many", header.Type, header.Length)
		}
		into = io.MultiWriter(hasher, f.scratch)
	default:
		return fmt.Errorf("it holds an object of the kind %s, which a clone of ours does not", header.Type)
	}
	n, crc, err := scanner.NextObject(into)
	if err != nil {
		return err
	}
	id := hasher.Sum()
	if n != header.Length {
		return fmt.Errorf("the object %s has %d bytes, its header has %d", id, n, header.Length)
	}
	if _, twice := p.objects[id]; twice {
		return fmt.Errorf("it holds the object %s twice", id)
	}
	p.objects[id] = o
	index.Add(id, uint64(header.Offset), crc) //nolint:gosec // an offset is not negative
	return nil
}

// indexOf is the SHA-256 of a pack's index. There is only one that is right, to
// the byte.
func indexOf(index *idxfile.Writer, sum plumbing.Hash) (digest [32]byte, err error) {
	if err := index.OnFooter(sum); err != nil {
		return digest, err
	}
	made, err := index.Index()
	if err != nil {
		return digest, err
	}
	hash := sha256.New()
	_, err = idxfile.NewEncoder(hash).Encode(made)
	return [32]byte(hash.Sum(nil)), err
}

func sumOf(size int64, content io.Reader) (digest [32]byte, err error) {
	if size > maxIndex {
		return digest, errors.New("it is longer than an index gets")
	}
	hash := sha256.New()
	_, err = io.Copy(hash, content)
	return [32]byte(hash.Sum(nil)), err
}

// find is the object with that id, which must be of that kind.
func (p *pack) find(id plumbing.Hash, kind plumbing.ObjectType) (object, error) {
	o, ok := p.objects[id]
	switch {
	case !ok:
		return object{}, fmt.Errorf("no object has the id %s, where a %s is needed", id, kind)
	case o.kind != kind:
		return object{}, fmt.Errorf("the object %s is a %s where a %s is needed", id, o.kind, kind)
	}
	return o, nil
}

// tail keeps the last bytes that were written to it, as many as a checksum has.
type tail struct{ last []byte }

func (t *tail) Write(p []byte) (int, error) {
	const size = len(plumbing.ZeroHash)
	t.last = append(t.last, p[max(0, len(p)-size):]...)
	t.last = t.last[max(0, len(t.last)-size):]
	return len(p), nil
}
