package manifest

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/opensbs/sbs/api/ctxio"
)

// Name is the manifest name of a build: what its files are called, without
// their endings.
func Name(buildName string) string {
	return "manifest." + buildName
}

// Ending is the end of the name of a signed manifest's file.
const Ending = ".sig.tbz"

// SignedName returns the file name of the signed manifest of that name.
func SignedName(name string) string { return name + Ending }

// Digest is the SHA-256 of a .tbz file: the message that is signed.
type Digest [sha256.Size]byte

// Names of the build record and of the build log in a manifest, below data/.
const (
	Record = "build.json"
	Log    = "build.log"
)

// Names of the attestations in a manifest, below data/.
const (
	Provenance   = "provenance.sigstore.json" // SLSA provenance, as a sigstore bundle
	SBOM         = "sbom.sigstore.json"       // the image's SBOM, as a sigstore bundle
	SBOMDocument = "sbom.spdx.json"           // the same without its envelope
)

// attestations are those names in byte order, which is after build.log.
var attestations = []string{Provenance, SBOM, SBOMDocument}

// Contents are the contents of a manifest.
type Contents struct {
	Record   []byte            // data/build.json
	Log      *io.SectionReader // data/build.log; the section fixes what is read of a log that still grows
	Attested fs.FS             // the attestations, all of them; nil: none
	Git      fs.FS             // git/; must be an fs.ReadLinkFS when it holds symbolic links
	Modified time.Time         // the time of every member, to the second
}

// How many bytes of an archive each bzip2 stream holds. They are part of the
// format: other sizes would give other bytes.
const (
	// tbzStream is the block size of bzip2 -9: nothing is lost by ending a stream
	// there.
	tbzStream = 900_000
	// signedStream is small because the .tbz in the outer archive gets no smaller:
	// its size grows by 0.8 % instead of 0.4 %, and compressing it takes a ninth of
	// the memory.
	signedStream = 100_000
)

// Write writes contents as a .tbz and returns its digest. It reads Git once, in
// order, and holds no file whole. A device, socket or pipe in Git is an error.
func Write(ctx context.Context, w io.Writer, contents Contents) (Digest, error) {
	hash := sha256.New()
	err := archive(ctx, io.MultiWriter(w, hash), tbzStream, func(t *tar.Writer) error {
		a := newArchiver(ctx, t, contents.Modified)
		if err := a.data(contents); err != nil {
			return err
		}
		return a.tree("git", contents.Git)
	})
	if err != nil {
		return Digest{}, fmt.Errorf("write manifest: %w", err)
	}
	return Digest(hash.Sum(nil)), nil
}

// Sign signs a digest with the manifest key. PKCS #1 v1.5 is what verifiers of
// this format expect, and it is deterministic.
func Sign(digest Digest, key *rsa.PrivateKey) ([]byte, error) {
	message := sha256.Sum256(digest[:])
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, message[:])
	if err != nil {
		return nil, fmt.Errorf("sign manifest: %w", err)
	}
	return signature, nil
}

// WriteSigned writes the .sig.tbz of the manifest called name: tbz, of which it
// reads size bytes, and the signature over it.
func WriteSigned(ctx context.Context, w io.Writer, name string, tbz io.Reader, size int64, signature []byte, modified time.Time) error {
	sig := []byte(hex.EncodeToString(signature))
	err := archive(ctx, w, signedStream, func(t *tar.Writer) error {
		a := newArchiver(ctx, t, modified)
		if err := a.file(name+".tbz", 0o644, size, tbz); err != nil {
			return err
		}
		return a.file(name+".sig", 0o644, int64(len(sig)), bytes.NewReader(sig))
	})
	if err != nil {
		return fmt.Errorf("write signed manifest: %w", err)
	}
	return nil
}

// archive runs fill with a tar writer whose archive is compressed onto w, in
// streams of streamSize bytes.
func archive(ctx context.Context, w io.Writer, streamSize int, fill func(*tar.Writer) error) error {
	compress := newCompressor(ctx, w, streamSize)
	t := tar.NewWriter(compress)
	err := fill(t)
	if err == nil {
		err = t.Close()
	}
	return errors.Join(err, compress.Close())
}

// archiver writes members in their one possible form.
type archiver struct {
	ctx      context.Context // of the one call of Write or WriteSigned
	tar      *tar.Writer
	modified time.Time
	buffer   []byte // for copying files: one for all of them
}

func newArchiver(ctx context.Context, t *tar.Writer, modified time.Time) archiver {
	return archiver{ctx: ctx, tar: t, modified: modified, buffer: make([]byte, 32<<10)}
}

func (a archiver) data(contents Contents) error {
	if err := a.directory("data"); err != nil {
		return err
	}
	if err := a.file("data/build.json", 0o644, int64(len(contents.Record)), bytes.NewReader(contents.Record)); err != nil {
		return err
	}
	if err := a.file("data/build.log", 0o644, contents.Log.Size(), contents.Log); err != nil {
		return err
	}
	if contents.Attested == nil {
		return nil
	}
	for _, name := range attestations {
		if err := a.regular("data/"+name, contents.Attested, name); err != nil {
			return err
		}
	}
	return nil
}

// tree writes everything in tree below prefix. fs.WalkDir goes in the order of
// names, so the order does not depend on the file system.
func (a archiver) tree(prefix string, tree fs.FS) error {
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		member := path.Join(prefix, name)
		switch entry.Type() {
		case fs.ModeDir:
			return a.directory(member)
		case fs.ModeSymlink:
			target, err := fs.ReadLink(tree, name)
			if err != nil {
				return err
			}
			return a.header(&tar.Header{Typeflag: tar.TypeSymlink, Name: member, Linkname: target, Mode: 0o777})
		case 0:
			return a.regular(member, tree, name)
		}
		return fmt.Errorf("%s is neither file, folder nor symbolic link", member)
	})
}

func (a archiver) regular(member string, tree fs.FS, name string) error {
	file, err := tree.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	return a.file(member, mode, info.Size(), file)
}

func (a archiver) directory(member string) error {
	return a.header(&tar.Header{Typeflag: tar.TypeDir, Name: member + "/", Mode: 0o755})
}

// file writes exactly size bytes: a file that shrinks or grows meanwhile is an
// error, never a wrong archive.
func (a archiver) file(member string, mode, size int64, content io.Reader) error {
	if err := a.header(&tar.Header{Typeflag: tar.TypeReg, Name: member, Mode: mode, Size: size}); err != nil {
		return err
	}
	if _, err := io.CopyBuffer(a.tar, ctxio.Reader(a.ctx, content), a.buffer); err != nil {
		return fmt.Errorf("%s: %w", member, err)
	}
	return nil
}

func (a archiver) header(h *tar.Header) error {
	if err := context.Cause(a.ctx); err != nil {
		return err
	}
	h.Format = tar.FormatPAX
	h.ModTime = a.modified.Truncate(time.Second)
	if err := a.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("%s: %w", h.Name, err)
	}
	return nil
}
