package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Lookaside is the view of the volume that stores signatures of images whose
// registry stores none.
type Lookaside struct{ volume *Volume }

// Lookaside returns the lookaside store of the volume.
func (v *Volume) Lookaside() Lookaside { return Lookaside{v} }

// Bounds of the lookaside store. An image has one signature for each of its
// tags; building the same commit repeatedly adds none.
const (
	maxSignature  = 64 << 10 // bytes
	maxSignatures = 1000     // of one image
)

// lookasideImage is <namespaces>/<name>@sha256=<hex>: lower case, no dot or
// hyphen at an end, so it never leads out of the folder or to a temporary file.
var lookasideImage = regexp.MustCompile(`^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*@sha256=[0-9a-f]{64}$`)

// AddSignature durably stores one more signature of image under the next number.
// It must not be called concurrently.
func (l Lookaside) AddSignature(image string, signature []byte) error {
	if !lookasideImage.MatchString(image) {
		return fmt.Errorf("store a signature: %q is not an image of a lookaside store", image)
	}
	if len(signature) > maxSignature {
		return fmt.Errorf("store a signature of %s: it is larger than %d bytes", image, maxSignature)
	}
	kept, err := l.Signatures(image)
	if err != nil {
		return err
	}
	if len(kept) >= maxSignatures {
		return fmt.Errorf("store a signature of %s: it has %d already", image, maxSignatures)
	}
	folder := path.Join(folderLookaside, image)
	if err := l.volume.root.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("store a signature of %s: %w", image, err)
	}
	if err := l.volume.writeFile(path.Join(folder, signatureName(len(kept)+1)), signature, 0o600); err != nil {
		return err
	}
	// Every folder of the path may be new, so their names must be durable too.
	for folder != "." {
		folder = path.Dir(folder)
		if err := l.volume.syncFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

// Signatures returns the stored signatures of image, in order. It returns no
// error when there are none.
func (l Lookaside) Signatures(image string) ([][]byte, error) {
	var signatures [][]byte
	for number := 1; number <= maxSignatures; number++ {
		signature, err := l.Signature(path.Join(image, signatureName(number)))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		signatures = append(signatures, signature)
	}
	return signatures, nil
}

// Signature returns one file of the lookaside store, by the name that verifiers
// request: <namespaces>/<name>@sha256=<hex>/signature-<number>. The error wraps
// fs.ErrNotExist when there is no such file or the name has another form.
func (l Lookaside) Signature(name string) ([]byte, error) {
	image, file := path.Split(name)
	number, err := strconv.Atoi(strings.TrimPrefix(file, signaturePrefix))
	if err != nil || file != signatureName(number) || number < 1 || !lookasideImage.MatchString(strings.TrimSuffix(image, "/")) {
		return nil, fmt.Errorf("read signature %q: %w", name, fs.ErrNotExist)
	}
	return l.volume.readFile(path.Join(folderLookaside, name), maxSignature)
}

const signaturePrefix = "signature-"

func signatureName(number int) string { return signaturePrefix + strconv.Itoa(number) }
