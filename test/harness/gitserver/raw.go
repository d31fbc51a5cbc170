package gitserver

// Repositories that git itself does not create: objects and packs with any content.
// git upload-pack sends them unchanged.

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the checksum of the pack format
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
)

// Entry is one entry of a tree: an octal mode, a name and an object id in hex.
type Entry struct{ Mode, Name, ID string }

// Tree returns the content of a tree with the entries in this order.
func Tree(entries ...Entry) (string, error) {
	var raw strings.Builder
	for _, entry := range entries {
		id, err := hex.DecodeString(entry.ID)
		if err != nil {
			return "", fmt.Errorf("write tree: %w", err)
		}
		fmt.Fprintf(&raw, "%s %s\x00%s", entry.Mode, entry.Name, id)
	}
	return raw.String(), nil
}

// WriteObject writes a blob, tree, commit or tag of any content to a bare repository
// and returns its id.
func WriteObject(ctx context.Context, folder, kind, content string) (string, error) {
	return Git(ctx, folder, strings.NewReader(content), "hash-object", "--literally", "-t", kind, "-w", "--stdin")
}

// Packed is one object of a pack (gitformat-pack).
type Packed struct {
	ID     string // the id in the index, in hex: it need not be that of the content
	Kind   plumbing.ObjectType
	Base   string // id of the base of an REFDeltaObject, in hex
	Size   int64  // the size in the object's header
	Stream []byte // the zlib stream
}

// WritePack writes a pack and its index to a bare repository. A delta must come after
// its base.
func WritePack(folder string, objects ...Packed) error {
	pack := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(objects))) //nolint:gosec // a few
	var writer idxfile.Writer
	if err := writer.OnHeader(uint32(len(objects))); err != nil { //nolint:gosec // a few
		return fmt.Errorf("write pack: %w", err)
	}
	for _, object := range objects {
		base, err := hex.DecodeString(object.Base)
		if err != nil {
			return fmt.Errorf("write pack: %w", err)
		}
		start := len(pack)
		pack = append(append(append(pack, PackedHeader(object.Kind, object.Size)...), base...), object.Stream...)
		writer.Add(plumbing.NewHash(object.ID), uint64(start), crc32.ChecksumIEEE(pack[start:])) //nolint:gosec // not negative
	}
	sum := sha1.Sum(pack) //nolint:gosec // see above
	pack = append(pack, sum[:]...)
	if err := writer.OnFooter(sum); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	index, err := writer.Index()
	if err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	var encoded bytes.Buffer
	if _, err := idxfile.NewEncoder(&encoded).Encode(index); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	name := filepath.Join(folder, "objects", "pack", "pack-"+hex.EncodeToString(sum[:]))
	err = errors.Join(os.WriteFile(name+".pack", pack, 0o600), os.WriteFile(name+".idx", encoded.Bytes(), 0o600))
	if err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	return nil
}

// PackedHeader returns the header of an object in a pack: its type and the lowest
// four bits of its size, then seven bits per byte.
func PackedHeader(kind plumbing.ObjectType, size int64) []byte {
	first := byte(kind)<<4 | byte(size&0x0f)
	if size >>= 4; size == 0 {
		return []byte{first}
	}
	return binary.AppendUvarint([]byte{first | 0x80}, uint64(size)) //nolint:gosec // not negative
}
