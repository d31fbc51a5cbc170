package push

// A layer goes to a registry as a gzip file. The same content always becomes the
// same bytes: no name, no time, one level.

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
)

// compressed is a layer as the registry has it.
type compressed struct {
	digest string
	size   int64
}

// compress writes the layer into a new file of the folder work, which the caller
// removes, and checks that it has the digest that the configuration names.
func (i *image) compress(ctx context.Context, l layer, work string) (made compressed, name string, err error) {
	file, err := os.CreateTemp(work, "layer-")
	if err != nil {
		return compressed{}, "", fmt.Errorf("compress a layer: %w", err)
	}
	buffered := bufio.NewWriterSize(file, 1<<18)
	written := &counted{to: buffered, hash: sha256.New()}
	err = i.transfer(ctx, l, written)
	if err == nil {
		err = buffered.Flush()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return compressed{}, "", errors.Join(fmt.Errorf("compress the layer %s: %w", l.diffID, err), os.Remove(file.Name()))
	}
	return compressed{digestOf(written.hash), written.n}, file.Name(), nil
}

// transfer compresses what is not compressed yet: newer engines keep some layers
// as their registry had them.
func (i *image) transfer(ctx context.Context, l layer, to io.Writer) error {
	from := bufio.NewReaderSize(&interruptible{ctx, i.open(l)}, 1<<18)
	content := sha256.New()
	magic, _ := from.Peek(2) // a shorter layer is not compressed
	if string(magic) == "\x1f\x8b" {
		if err := expand(io.TeeReader(from, to), content); err != nil {
			return err
		}
	} else {
		out := gzip.NewWriter(to)
		if _, err := io.Copy(out, io.TeeReader(from, content)); err != nil {
			return err
		}
		if err := out.Close(); err != nil {
			return err
		}
	}
	if found := digestOf(content); found != l.diffID {
		return fmt.Errorf("its content is %s", found)
	}
	return nil
}

// expand reads a gzip file to its end.
func expand(from io.Reader, to io.Writer) error {
	in, err := gzip.NewReader(from)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, in); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, from)
	return err
}

func digestOf(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

// counted hashes and counts what passes.
type counted struct {
	to   io.Writer
	hash hash.Hash
	n    int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.hash.Write(p[:n])
	c.n += int64(n)
	return n, err
}

// interruptible ends with its context.
type interruptible struct {
	ctx  context.Context
	from io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if i.ctx.Err() != nil {
		return 0, context.Cause(i.ctx)
	}
	return i.from.Read(p)
}
