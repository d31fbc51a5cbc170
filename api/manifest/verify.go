package manifest

import (
	"archive/tar"
	"compress/bzip2"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// ErrSignature means that the signature is not that of the manifest by the key:
// the manifest was changed, or another key signed it.
var ErrSignature = errors.New("the signature does not match: the manifest was changed, or it was signed with another key")

// ErrFormat wraps every error about the form of a manifest.
var ErrFormat = errors.New("not a signed manifest")

// Bounds of what is held in memory while reading.
const (
	maxSignature = 4 << 10  // hex of a signature of up to 16,384 bits
	maxRecord    = 16 << 20 // data/build.json
)

// Signed is a signed manifest taken apart.
type Signed struct {
	Name      string // the manifest name
	Digest    Digest // of its .tbz
	Signature []byte
}

// Split reads a .sig.tbz, copies the .tbz in it to tbz as it comes, and returns
// the rest. Nothing is verified yet: that is Signed.Verify.
func Split(r io.Reader, tbz io.Writer) (Signed, error) {
	t := tar.NewReader(bzip2.NewReader(r))
	header, err := t.Next()
	if err != nil {
		return Signed{}, formatError("first member", err)
	}
	name, ok := strings.CutSuffix(header.Name, ".tbz")
	if !ok || header.Typeflag != tar.TypeReg || path.Base(name) != name || !strings.HasPrefix(name, "manifest.") {
		return Signed{}, fmt.Errorf("%w: its first member is %q, not manifest.<build name>.tbz", ErrFormat, header.Name)
	}
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(hash, tbz), t); err != nil {
		return Signed{}, fmt.Errorf("read %s: %w", header.Name, err)
	}
	signature, err := readSignature(t, name)
	if err != nil {
		return Signed{}, err
	}
	if _, err := t.Next(); err != io.EOF {
		return Signed{}, formatError("end after two members", err)
	}
	return Signed{Name: name, Digest: Digest(hash.Sum(nil)), Signature: signature}, nil
}

func readSignature(t *tar.Reader, name string) ([]byte, error) {
	header, err := t.Next()
	if err != nil {
		return nil, formatError("second member", err)
	}
	if header.Name != name+".sig" || header.Typeflag != tar.TypeReg {
		return nil, fmt.Errorf("%w: its second member is %q, not %q", ErrFormat, header.Name, name+".sig")
	}
	text, err := io.ReadAll(io.LimitReader(t, maxSignature+1))
	if err != nil {
		return nil, formatError("signature", err)
	}
	signature, err := hex.DecodeString(string(text))
	if err != nil || len(text) > maxSignature {
		return nil, fmt.Errorf("%w: %s is not a signature in hex", ErrFormat, header.Name)
	}
	return signature, nil
}

// Verify checks the signature. It returns nil or ErrSignature.
func (s Signed) Verify(key *rsa.PublicKey) error {
	message := sha256.Sum256(s.Digest[:])
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, message[:], s.Signature) != nil {
		return ErrSignature
	}
	return nil
}

// Summary describes the contents of a .tbz.
type Summary struct {
	Record json.RawMessage   // data/build.json
	Data   map[string]Digest // SHA-256 of each file in data/, by its name there
	Files  int               // in git/, symbolic links included
	Bytes  int64             // of the files in git/
}

// Read goes through a .tbz and checks its form: data/build.json with JSON in
// it, data/build.log, either all attestations or none, and everything else below
// git/.
func Read(tbz io.Reader) (Summary, error) {
	return Walk(tbz, func(*tar.Header, io.Reader) error { return nil })
}

// Walk is Read for callers that need the members too: visit gets each file of
// data/ and each member below git/, with its content, in the order of the
// archive. Their form is checked as they come, that of the whole at the end. An
// error of visit ends the walk.
func Walk(tbz io.Reader, visit func(*tar.Header, io.Reader) error) (Summary, error) {
	summary := Summary{Data: map[string]Digest{}}
	t := tar.NewReader(bzip2.NewReader(tbz))
	for {
		header, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return Summary{}, formatError("member", err)
		}
		switch name := path.Clean(header.Name); {
		case isData(name) && header.Typeflag == tar.TypeReg:
			if err := summary.readData(header, t, visit); err != nil {
				return Summary{}, err
			}
		case name == "data", name == "git":
		case strings.HasPrefix(name, "git/"):
			if header.Typeflag != tar.TypeDir {
				summary.Files++
				summary.Bytes += header.Size
			}
			if err := visit(header, t); err != nil {
				return Summary{}, err
			}
		default:
			return Summary{}, fmt.Errorf("%w: it holds %q, which is neither data nor git", ErrFormat, header.Name)
		}
	}
	if _, log := summary.Data[Log]; summary.Record == nil || !log {
		return Summary{}, fmt.Errorf("%w: data/build.json or data/build.log is missing", ErrFormat)
	}
	if n := len(summary.Data); n != 2 && n != 2+len(attestations) {
		return Summary{}, fmt.Errorf("%w: it holds some attestations and not the others", ErrFormat)
	}
	return summary, nil
}

// isData reports whether a member is one of those in data/.
func isData(name string) bool {
	base, ok := strings.CutPrefix(name, "data/")
	return ok && (base == Record || base == Log || slices.Contains(attestations, base))
}

// readData reads one file of data/.
func (s *Summary) readData(header *tar.Header, content io.Reader, visit func(*tar.Header, io.Reader) error) (err error) {
	name := path.Base(header.Name)
	if _, twice := s.Data[name]; twice {
		return fmt.Errorf("%w: data/%s is there twice", ErrFormat, name)
	}
	hash := sha256.New()
	content = io.TeeReader(content, hash)
	if name == Record {
		if s.Record, err = readRecord(content); err != nil {
			return err
		}
	}
	if err := visit(header, content); err != nil { // the record's is in the summary
		return err
	}
	if _, err := io.Copy(io.Discard, content); err != nil {
		return formatError("data/"+name, err)
	}
	s.Data[name] = Digest(hash.Sum(nil))
	return nil
}

func readRecord(r io.Reader) (json.RawMessage, error) {
	record, err := io.ReadAll(io.LimitReader(r, maxRecord+1))
	if err != nil {
		return nil, formatError("data/build.json", err)
	}
	if len(record) > maxRecord || !json.Valid(record) {
		return nil, fmt.Errorf("%w: data/build.json is not JSON of up to %d bytes", ErrFormat, maxRecord)
	}
	return record, nil
}

// Verify reads a .sig.tbz once, checks its signature with key and the form of
// what is in it. The summary is returned only when all of it holds.
func Verify(r io.Reader, key *rsa.PublicKey) (Signed, Summary, error) {
	type read struct {
		Summary
		error
	}
	pipe, tbz := io.Pipe()
	inner := make(chan read, 1)
	go func() {
		summary, err := Read(pipe)
		// What follows the archive's end is signed too, so it must be hashed.
		_, _ = io.Copy(io.Discard, pipe)
		inner <- read{summary, err}
	}()
	signed, err := Split(r, tbz)
	_ = tbz.CloseWithError(err) // ends the goroutine; never fails
	content := <-inner
	if err != nil {
		return Signed{}, Summary{}, err
	}
	if err := signed.Verify(key); err != nil {
		return Signed{}, Summary{}, err
	}
	if content.error != nil {
		return Signed{}, Summary{}, content.error
	}
	return signed, content.Summary, nil
}

func formatError(where string, cause error) error {
	if cause == nil {
		return fmt.Errorf("%w: %s: more than expected", ErrFormat, where)
	}
	return fmt.Errorf("%w: %s: %w", ErrFormat, where, cause)
}
