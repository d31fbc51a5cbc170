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

// Bounds of the lookaside store. An image gets one signature for each of its
// tags; building one commit again and again adds none.
const (
	maxSignature  = 64 << 10 // bytes
	maxSignatures = 1000     // of one image
)

// lookasideImage is <namespaces>/<name>@sha256=<hex>: lower case, no dot or
// hyphen at an end, so never a way out of the folder nor a temporary file.
var lookasideImage = regexp.MustCompile(`^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*@sha256=[0-9a-f]{64}$`)

// AddSignature keeps one more signature of image, durably, under the next
// number. One caller at a time.
func (v *Volume) AddSignature(image string, signature []byte) error {
	if !lookasideImage.MatchString(image) {
		return fmt.Errorf("keep a signature: %q is no image of a lookaside store", image)
	}
	if len(signature) > maxSignature {
		return fmt.Errorf("keep a signature of %s: it is larger than %d bytes", image, maxSignature)
	}
	kept, err := v.Signatures(image)
	if err != nil {
		return err
	}
	if len(kept) >= maxSignatures {
		return fmt.Errorf("keep a signature of %s: it has %d already", image, maxSignatures)
	}
	folder := path.Join(folderLookaside, image)
	if err := v.root.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("keep a signature of %s: %w", image, err)
	}
	if err := v.writeFile(path.Join(folder, signatureName(len(kept)+1)), signature, 0o600); err != nil {
		return err
	}
	// Every folder on the way may be new, so their names must be durable too.
	for folder != "." {
		folder = path.Dir(folder)
		if err := v.syncFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

// Signatures are those kept of image, in order; none is no error.
func (v *Volume) Signatures(image string) ([][]byte, error) {
	var signatures [][]byte
	for number := 1; number <= maxSignatures; number++ {
		signature, err := v.Signature(path.Join(image, signatureName(number)))
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

// Signature is one file of the lookaside store, as verifiers ask for it:
// <namespaces>/<name>@sha256=<hex>/signature-<number>. What is not there, or
// no such name, is an error that wraps fs.ErrNotExist.
func (v *Volume) Signature(name string) ([]byte, error) {
	image, file := path.Split(name)
	number, err := strconv.Atoi(strings.TrimPrefix(file, signaturePrefix))
	if err != nil || file != signatureName(number) || number < 1 || !lookasideImage.MatchString(strings.TrimSuffix(image, "/")) {
		return nil, fmt.Errorf("read signature %q: %w", name, fs.ErrNotExist)
	}
	return v.readFile(path.Join(folderLookaside, name), maxSignature)
}

const signaturePrefix = "signature-"

func signatureName(number int) string { return signaturePrefix + strconv.Itoa(number) }
